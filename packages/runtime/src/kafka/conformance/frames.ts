/** Cuts a byte stream into Kafka's length-prefixed frames, the prefix included. */
export class Frames {
  #rest: Buffer = Buffer.alloc(0)

  constructor(readonly onFrame: (frame: Buffer) => void) {}

  push(chunk: Buffer): void {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    while (this.#rest.length >= 4) {
      const length = this.#rest.readInt32BE(0) + 4
      if (this.#rest.length < length) return
      const frame = this.#rest.subarray(0, length)
      this.#rest = this.#rest.subarray(length)
      this.onFrame(frame)
    }
  }
}
