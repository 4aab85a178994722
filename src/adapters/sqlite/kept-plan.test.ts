import Database from 'better-sqlite3'
import { expect, test } from 'vitest'
import { keepPlans, withHiddenValues } from './kept-plan.ts'

test('values that are compared with a column, and limits, are hidden from the planner', () => {
  expect(withHiddenValues('SELECT * FROM t WHERE a = ? AND b < ? AND c = @c LIMIT ?')).toBe(
    'SELECT * FROM t WHERE a = +? AND b < ? AND c = +@c LIMIT +?',
  )
})

test('indices are used as before, and types are compared as before', () => {
  const db = new Database(':memory:')
  keepPlans(db)
  db.exec(
    'CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, n INTEGER) STRICT; CREATE INDEX by_name ON t (name, n)',
  )
  const insert = db.prepare('INSERT INTO t (name, n) VALUES (?, ?)')
  for (let n = 0; n < 9; n += 1) insert.run(`${n % 3}`, n)
  const find = 'SELECT n FROM t WHERE name = ? ORDER BY n LIMIT ?'
  expect(db.prepare(find).all('1', 2)).toEqual([{ n: 1 }, { n: 4 }])
  // As it is without the sign: a text is compared with a column of numbers as a number.
  expect(db.prepare('SELECT n FROM t WHERE n = ?').all('7')).toEqual([{ n: 7 }])
  const plan = db.prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${find}`).all('1', 2)
  expect(plan.map(({ detail }) => detail)).toEqual(['SEARCH t USING COVERING INDEX by_name (name=?)'])
  expect(db.prepare('UPDATE t SET name = ? WHERE n = ?').run('x', 7).changes).toBe(1)
  expect(db.prepare('SELECT name, typeof(name) AS type FROM t WHERE n = @n').get({ n: 7 })).toEqual({
    name: 'x',
    type: 'text',
  })
  db.close()
})
