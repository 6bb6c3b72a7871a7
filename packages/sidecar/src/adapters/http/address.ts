export { AddressRefused, assertHostAllowed, guardedLookup, isRefusedAddress } from '@unwind/runtime'
