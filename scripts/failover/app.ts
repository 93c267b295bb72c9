/** An application with one master and its slaves, as the lab needs to know it. */
export interface App {
  /** Where it serves. */
  readonly address: string
  readonly port: number
  /** Starts it if it doesn't run and isn't its keeper's to start; resolves when it answers. */
  start(): Promise<void>
  /** Sends a signal to its processes, if there are any. */
  signal(signal: NodeJS.Signals): void
  /** Ends it for good. */
  stop(): Promise<void>
  /** Connects to it; rejects when it doesn't answer. */
  connect(): Promise<Connection>
  /** The numbers that are stored in it under a name. */
  stored(set: string): Promise<Set<number>>
  /** Whether it follows a master and has nothing to catch up with. */
  follows(): Promise<boolean>
}

/** A client's connection. Writes are made one at a time. */
export interface Connection {
  /**
   * Stores a number under a name, and resolves with the instant (ms since 1970, the application's own clock) at which
   * it was accepted. Rejects when it is refused, or when the connection is lost.
   */
  write(set: string, number: number): Promise<number>
  close(): void
}
