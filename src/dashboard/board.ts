import { EMPTY_SCENE, type Scene } from './scene.ts'

/** What is known now, for all pages at once. */
export class Board {
  #scene = EMPTY_SCENE
  #change = Promise.withResolvers<void>()

  get scene(): Scene {
    return this.#scene
  }

  /** Settles when something else is known. */
  get change(): Promise<void> {
    return this.#change.promise
  }

  /** Puts up what is known anew. */
  show(part: Partial<Scene>): void {
    this.#replace({ ...this.#scene, ...part })
  }

  /** Nothing newer is known from now on. */
  fail(text: string, nowMs: number): void {
    const sinceMs = this.#scene.trouble?.sinceMs ?? nowMs
    this.#replace({ ...this.#scene, trouble: { text, sinceMs } })
  }

  /** News come again. */
  recover(): void {
    const { trouble, ...rest } = this.#scene
    if (trouble) this.#replace(rest)
  }

  #replace(scene: Scene): void {
    this.#scene = scene
    this.#change.resolve()
    this.#change = Promise.withResolvers()
  }
}
