/**
 * What positions are said for. Those that were said on another occasion don't count: while a master writes, every
 * position is old by the time that it is read. `''` until something is known of the cluster.
 */
export type Occasion = string

/** Nobody has been master since the one of this term. */
export function vacancyAfter(term: number): Occasion {
  return `vacancy ${term}`
}

export function reignOf(term: number): Occasion {
  return `reign ${term}`
}

/** The master is asked to hand over. */
export function handoverAskedAt(index: number): Occasion {
  return `handover ${index}`
}

export function isVacancy(occasion: Occasion): boolean {
  return occasion.startsWith('vacancy ')
}

export function isHandoverAsked(occasion: Occasion): boolean {
  return occasion.startsWith('handover ')
}

/** How much an application has: the greater, the more. */
export interface SaidPosition {
  readonly position: bigint
  readonly occasion: Occasion
}
