// @ts-check
/** Pieces of the page: made from its `<template>`s, and found by their `data-part`. */

/**
 * Returns a fresh copy of a template's one element.
 *
 * @param {string} name Its `data-template`.
 * @returns {HTMLElement}
 */
export function stamp(name) {
  const template = document.querySelector(`template[data-template="${name}"]`);
  if (!(template instanceof HTMLTemplateElement)) throw new Error(`no template ${name}`);
  const { firstElementChild } = /** @type {DocumentFragment} */ (template.content.cloneNode(true));
  return /** @type {HTMLElement} */ (firstElementChild);
}

/**
 * Returns the element that plays a part, `root` itself included.
 *
 * @template {Element} T
 * @param {ParentNode} root
 * @param {string} name Its `data-part`.
 * @param {new () => T} type What it has to be.
 * @returns {T}
 */
export function part(root, name, type) {
  const selector = `[data-part="${name}"]`;
  const found = root instanceof Element && root.matches(selector) ? root : root.querySelector(selector);
  if (!(found instanceof type)) throw new Error(`no part ${name}`);
  return found;
}

/**
 * Returns a stamped template with texts put in.
 *
 * @param {string} name
 * @param {Record<string, string>} texts Part → text.
 * @returns {HTMLElement}
 */
export function fill(name, texts) {
  const element = stamp(name);
  for (const [key, text] of Object.entries(texts)) part(element, key, HTMLElement).textContent = text;
  return element;
}
