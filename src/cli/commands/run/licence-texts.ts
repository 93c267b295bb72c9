/** In base64, compressed by brotli. The build puts them here: Node's, and those of the packages that it bundles. */
export const LICENCE_TEXTS: string | undefined = undefined
