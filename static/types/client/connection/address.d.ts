/** Where the server is. */
/**
 * Returns the address of the socket of a server.
 *
 * @param {string | URL} url `http(s)://` or `ws(s)://`, of the server, or of its socket; or a path on the page's origin.
 * @returns {URL}
 * @throws {TypeError} It is no such address.
 */
export function socketAddress(url: string | URL): URL;
