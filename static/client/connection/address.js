// @ts-check
/** Where the server is. */

/**
 * Returns the address of the socket of a server.
 *
 * @param {string | URL} url `http(s)://` or `ws(s)://`, of the server, or of its socket; or a path on the page's origin.
 * @returns {URL}
 * @throws {TypeError} It is no such address.
 */
export function socketAddress(url) {
  const address = new URL(url, globalThis.location?.href);
  if (!/^(http|ws)s?:$/.test(address.protocol)) {
    throw new TypeError(`${url}: a server's address begins with http://, https://, ws:// or wss://`);
  }
  address.pathname = address.pathname.replace(/(\/v1\/socket)?\/*$/, "/v1/socket");
  address.hash = "";
  return address;
}
