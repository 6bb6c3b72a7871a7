export { fromBase64url, toBase64url } from './base64url.js'
export {
  buildHeaders,
  cloudEventType,
  HEADER,
  type HeaderContext,
  type Headers,
  headersProblem,
  type Peek,
  parseCloudEventType,
  peekHeaders,
} from './headers.js'
export { type Hash, leafHash, leafStatement, type SignedParts } from './leaf.js'
export { foldProof, HASH_BYTES, type MerkleProof, type MerkleTree, merkleTree, nodeHash } from './merkle.js'
export { formatProof, MAX_BATCH, parseProof } from './proof-header.js'
export { type Routing, routingOf } from './routing.js'
export {
  type DetachedSignature,
  formatSignature,
  parseSignature,
  protectedHeader,
  signingInput,
} from './signature-header.js'
export { childTraceparent, formatTraceparent, parseTraceparent, type TraceParent } from './trace-context.js'
