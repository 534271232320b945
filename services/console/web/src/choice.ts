/** The row that is chosen in a list that changes meanwhile: by its id, and where it stood last, for when it is gone. */
export interface Choice {
  id: string
  at: number
}

/** The choice in the list as it is now: it follows its row, and stays where it was when its row is gone. */
export function followed(ids: string[], choice: Choice | null): Choice | null {
  const at = choice ? ids.indexOf(choice.id) : -1
  return choice && at >= 0 ? { id: choice.id, at } : choice
}

/** The row some steps further. Where the chosen one is gone, the row that took its place is the next. */
export function moved(ids: string[], choice: Choice | null, by: number): Choice | null {
  if (ids.length === 0) return choice
  const from = choice === null ? -1 : ids[choice.at] === choice.id || by < 0 ? choice.at : choice.at - 1
  const at = Math.max(0, Math.min(ids.length - 1, from + by))
  return { id: ids[at], at }
}
