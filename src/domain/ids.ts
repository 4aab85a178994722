import { randomUUID } from 'node:crypto'

declare const brand: unique symbol
type Brand<T, Name extends string> = T & { readonly [brand]: Name }

/** Folder name of an agent group. */
export type GroupName = Brand<string, 'GroupName'>
/** Stable platform id of a person with its channel, `telegram:12345`. */
export type UserId = Brand<string, 'UserId'>
/** Row id of a chat in host.db. */
export type ChatId = Brand<number, 'ChatId'>
/** Row id of an inbound message in host.db. */
export type InboundId = Brand<number, 'InboundId'>
/** Row id of a delivery in host.db. */
export type DeliveryId = Brand<number, 'DeliveryId'>
/** UTC integer milliseconds. */
export type UnixMs = Brand<number, 'UnixMs'>

/** Short enough for a unix socket path and a container name; no path or option character. */
const GROUP_NAME = /^[a-z][a-z0-9-]{0,30}$/

export function isGroupName(text: string): text is GroupName {
  return GROUP_NAME.test(text)
}

export function userId(channel: string, platformId: string): UserId {
  return `${channel}:${platformId}` as UserId
}

/** A random id that cannot be guessed, for install ids, delivery keys and tokens that are not secrets. */
export function newId(): string {
  return randomUUID()
}
