import {
  SCHEMA_FILES,
  type SchemaFile,
  type TopicCategory,
  type TopicNames,
  topicFor,
} from '@unwind/contracts'

/** All versions of one event and the subject that they are registered under. */
export interface SubjectFiles {
  readonly subject: string
  /** Ascending by version. */
  readonly files: readonly SchemaFile[]
}

/** TopicRecordNameStrategy: one subject for each event on each topic, so that a topic can hold many events. */
export function subjectsOf(
  topics: TopicNames,
  files: readonly SchemaFile[] = SCHEMA_FILES,
): readonly SubjectFiles[] {
  const subjects = new Map<string, SchemaFile[]>()
  for (const file of files) {
    const subject = `${topicFor(file.topic as TopicCategory, topics)}-unwind.${file.name}`
    subjects.set(subject, [...(subjects.get(subject) ?? []), file])
  }
  return [...subjects].map(([subject, of]) => ({ subject, files: of.sort((a, b) => a.version - b.version) }))
}

/** Where a schema lies in the repository, for messages. */
export function pathOf(file: SchemaFile): string {
  return `schemas/${file.topic}/${file.name}.v${file.version}.avsc`
}
