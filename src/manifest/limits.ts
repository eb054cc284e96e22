// How much the room reads. Far above what people write, and low enough that nothing hostile or mistaken takes the machine with it.

/** A rendered chart of 10,000 Deployments has 7 MB; the parser takes about a second for each. */
export const fileBytesLimit = 8 * 1024 ** 2;
/** Everything read is in memory at once, with its parsed form beside it. */
export const totalBytesLimit = 64 * 1024 ** 2;
/** Ten times the 10,000 Deployments that orchestra is measured with would not fit one store. */
export const filesLimit = 20_000;
export const documentsLimit = 20_000;
/** Folders below folders: nobody sorts manifests deeper, and a loop of mounts has no end. */
export const folderDepthLimit = 32;
/** Maps and lists within each other: the schema needs six; the parser recurses, and must not run out of stack. */
export const nestingLimit = 32;
/** In one document. */
export const aliasesLimit = 100;
/** Keys and values in one document, aliases written out: a thousand variables are two thousand. An alias bomb of 289 bytes means billions. */
export const nodesLimit = 10_000;
/** Words, signs, spaces and line ends in one document, before it is known what they mean: ten for each value, comments included. */
export const lexemesLimit = 100_000;
/** Errors of syntax that are told for one document: what follows the first few is noise. */
export const syntaxErrorsShown = 3;
