/** Makes one commit of what many do in the same turn of the event loop. */
export interface SharedCommits {
  /**
   * Does the work when this turn is over, in the order of the calls, in one relaxed commit with whatever else was asked
   * for meanwhile. Resolves with its result when that commit is made. Work that throws is undone and rejects, alone;
   * when the commit fails all of it is undone and rejects. The work must not return a promise. While `again` says so of
   * its result it is done once more, a few times at most: the last result that came of it without an error counts.
   */
  run<T>(work: () => T, again?: (result: T) => boolean): Promise<T>
}
