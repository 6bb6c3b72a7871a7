/**
 * The parts of kafkajs 2.2.4 that this driver stands on: connections (TLS, SASL, request correlation), API version
 * negotiation and the protocol's encoders. Its producer, consumer and cluster classes are not used: they are where
 * the measured losses and long recoveries come from. The version is pinned, and the conformance suite runs on it.
 */
import { createRequire } from 'node:module'
import type { Socket } from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import { quietRequestQueue } from './request-queue.js'

const require = createRequire(import.meta.url)

quietRequestQueue()

export interface WireRequest {
  readonly request: {
    readonly apiKey: number
    readonly apiVersion: number
    readonly apiName: string
    encode(): Promise<WireEncoder>
  }
  readonly response: { decode(payload: Buffer): Promise<unknown>; parse(decoded: unknown): Promise<unknown> }
  readonly requestTimeout?: number
}

export interface WireEncoder {
  readonly buffer: Buffer
  writeBuffer(value: Buffer): WireEncoder
}

export interface WireConnectionPool {
  readonly host: string
  readonly port: number
  isConnected(): boolean
  send(request: WireRequest): Promise<unknown>
}

export interface WireBroker {
  readonly connectionPool: WireConnectionPool
  connect(): Promise<void>
  isConnected(): boolean
  lookupRequest(apiKey: number, definition: unknown): (parameters: object) => WireRequest
}

export interface WireLogger {
  namespace(name: string): WireLogger
}

export interface WireLogEntry {
  readonly namespace: string
  readonly level: number
  readonly log: { readonly message: string } & Readonly<Record<string, unknown>>
}

export interface SocketRequest {
  readonly host: string
  readonly port: number
  readonly ssl?: ConnectionOptions
  readonly onConnect: () => void
}

type ConnectionPoolConstructor = new (options: {
  host: string
  port: number
  rack?: string | null
  ssl: ConnectionOptions | null
  sasl: object | null
  clientId: string
  connectionTimeout: number
  requestTimeout: number
  enforceRequestTimeout: boolean
  maxInFlightRequests: number | null
  logger: WireLogger
  socketFactory: (request: SocketRequest) => Socket
}) => WireConnectionPool

type BrokerConstructor = new (options: {
  connectionPool: WireConnectionPool
  logger: WireLogger
  nodeId: number | null
  authenticationTimeout: number
  allowAutoTopicCreation: boolean
}) => WireBroker

export const ConnectionPool: ConnectionPoolConstructor = require('kafkajs/src/network/connectionPool')
export const Broker: BrokerConstructor = require('kafkajs/src/broker')
export const Encoder: new (size?: number) => WireEncoder = require('kafkajs/src/protocol/encoder')

export type ApiName =
  | 'Produce'
  | 'Fetch'
  | 'ListOffsets'
  | 'Metadata'
  | 'GroupCoordinator'
  | 'JoinGroup'
  | 'SyncGroup'
  | 'Heartbeat'
  | 'LeaveGroup'
  | 'OffsetCommit'
  | 'OffsetFetch'
  | 'DescribeGroups'
  | 'CreateTopics'
  | 'DeleteTopics'
  | 'DescribeConfigs'
  | 'CreateAcls'

export const apiKeys: Readonly<Record<ApiName, number>> = require('kafkajs/src/protocol/requests/apiKeys')
export const definitions: Readonly<Record<ApiName, unknown>> =
  require('kafkajs/src/protocol/requests').requests
export const createErrorFromCode: (code: number) => Error & { readonly type: string; readonly code: number } =
  require('kafkajs/src/protocol/error').createErrorFromCode
export const createLogger: (options: {
  level: number
  logCreator: () => (entry: WireLogEntry) => void
}) => WireLogger = require('kafkajs/src/loggers').createLogger
export const LEVELS: Readonly<Record<'NOTHING' | 'ERROR' | 'WARN' | 'INFO' | 'DEBUG', number>> =
  require('kafkajs/src/loggers').LEVELS

interface AssignerProtocol {
  readonly MemberMetadata: {
    encode(value: { version: number; topics: readonly string[]; userData: Buffer }): Buffer
    decode(value: Buffer): { topics: string[]; userData: Buffer | null }
  }
  readonly MemberAssignment: {
    encode(value: { version: number; assignment: Readonly<Record<string, readonly number[]>> }): Buffer
    decode(value: Buffer): { assignment: Record<string, number[]> } | null
  }
}
export const {
  MemberMetadata,
  MemberAssignment,
}: AssignerProtocol = require('kafkajs/src/consumer/assignerProtocol')
