/**
 * Why a message is not given to its agent by itself: too many at once; too many wait; too old when it came. A
 * `summary` is given later, with others of its chat as one.
 */
export type Aside = 'rate' | 'full' | 'old' | 'summary'
