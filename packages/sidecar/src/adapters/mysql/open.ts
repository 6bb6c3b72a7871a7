import mysql from 'mysql2/promise'
import { connectionOptions, type Session, sessionOn } from './database.js'

/** A connection of an operator's own, for install, status and remove. */
export interface MysqlSession extends Session {
  end(): Promise<void>
}

/** @param options their `url` only. @throws what the driver says when the server cannot be reached. */
export async function openSession(options: { readonly url: string }): Promise<MysqlSession> {
  const connection = await mysql.createConnection(connectionOptions(options))
  connection.on('error', () => undefined)
  return { ...sessionOn(connection), end: () => connection.end() }
}
