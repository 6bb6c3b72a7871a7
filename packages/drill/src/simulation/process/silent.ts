const nothing = () => {}

/** Histories speak through the log and the targets. */
export const SILENT = { debug: nothing, info: nothing, warn: nothing, error: nothing }
