export { type ApprovalTerms, signApproval, verifyApproval } from './approvals.js'
export { type Authority, createAuthority, type Written } from './authority.js'
export { sha256 } from './hash.js'
export {
  KeyFileInvalid,
  loadSigningKey,
  loadTrustFile,
  parseTrust,
  writeSigningKey,
  writeTrustFile,
} from './key-files.js'
export {
  generateKey,
  type PrivateKey,
  type PublicKey,
  ROLES,
  type Role,
  type SigningKey,
  signingKey,
} from './keys.js'
export { createSealer, type Sealer } from './sealer.js'
export { type LogPlace, type SignedRecord, TrustStore, type Verified } from './trust-store.js'
