// Writes what the package's declarations export, as JSON, for the reference: names, signatures, what is said of them.
//
//     node docs/reference_pages/javascript.mjs
//
// It reads `exports` of package.json, and the declarations by the TypeScript compiler. Types that an export names and no
// entry point exports stand beside them, under `types`.

import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../..");
const DECLARATIONS = join(ROOT, "static/types");
const entries = Object.entries(JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")).exports)
  .map(([name, at]) => [name, join(ROOT, at.types)]);
const program = ts.createProgram(entries.map(([, path]) => path), {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ES2022,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  types: [],
});
const checker = program.getTypeChecker();

/** Types of ours that something names: declaration -> name. */
const named = new Map();

/** What is said of a declaration: its text, and its tags. */
function said(symbol) {
  const tags = symbol.getJsDocTags(checker).map((tag) => ({
    name: tag.name,
    text: ts.displayPartsToString(tag.text),
  }));
  return { text: ts.displayPartsToString(symbol.getDocumentationComment(checker)), tags };
}

/** The source of a declaration on one line, without its comments, braces of objects kept. */
function source(node) {
  note(node);
  const text = node.getText().replaceAll(/\/\*\*.*?\*\//gs, "").replaceAll(/\s+/g, " ").trim();
  return text.replace(/^export (declare )?/, "").replaceAll(/import\("[^"]+"\)\./g, "").replace(/;$/, "");
}

/** Takes note of the types of ours that a declaration names. */
function note(node) {
  const visit = (child) => {
    let name;
    if (ts.isTypeReferenceNode(child)) name = child.typeName;
    if (ts.isImportTypeNode(child)) name = child.qualifier;
    const found = name && checker.getSymbolAtLocation(name);
    if (found) keep(found);
    ts.forEachChild(child, visit);
  };
  visit(node);
}

function keep(symbol) {
  const target = resolved(symbol);
  const [declaration] = target.declarations ?? [];
  if (!declaration || !declaration.getSourceFile().fileName.startsWith(DECLARATIONS)) return;
  if (ts.isTypeParameterDeclaration(declaration) || named.has(target)) return;
  named.set(target, target.name);
}

function resolved(symbol) {
  return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
}

const HIDDEN = /^(#|_|\[Symbol\.(?!asyncIterator))/;

/** The members of a class or of an object's type, in the order of their declaration. */
function members(symbol, type) {
  const found = [];
  for (const member of checker.getPropertiesOfType(type)) {
    const [declaration] = member.declarations ?? [];
    if (!declaration || !declaration.getSourceFile().fileName.startsWith(DECLARATIONS)) continue;
    const name = ts.isComputedPropertyName(declaration.name) ? declaration.name.getText() : member.name;
    if (HIDDEN.test(name)) continue;
    found.push({ name, source: source(declaration), method: ts.isMethodDeclaration(declaration)
      || ts.isMethodSignature(declaration), ...said(member) });
  }
  return found;
}

/** One export, or one type that exports name. */
function described(symbol, name) {
  const target = resolved(symbol);
  const [declaration] = target.declarations;
  const own = said(target).text ? said(target) : said(symbol);
  if (ts.isClassDeclaration(declaration)) {
    const made = declaration.members.find(ts.isConstructorDeclaration);
    const about = made ? said(made.symbol) : null;
    const constructor = about?.text && !about.text.startsWith("Not for you") ? { source: source(made), ...about } : null;
    const type = checker.getDeclaredTypeOfSymbol(target);
    return { name, form: "class", source: `class ${name}`, constructor, members: members(target, type), ...own };
  }
  if (ts.isFunctionDeclaration(declaration)) return { name, form: "function", source: source(declaration), ...own };
  if (ts.isTypeAliasDeclaration(declaration)) {
    const type = checker.getDeclaredTypeOfSymbol(target);
    // An alias of another of ours, such as one that an entry point hands on, is that one.
    const node = declaration.type;
    if (ts.isImportTypeNode(node) && node.qualifier) {
      const other = resolved(checker.getSymbolAtLocation(node.qualifier));
      if (other !== target && (other.declarations?.[0].getSourceFile().fileName ?? "").startsWith(DECLARATIONS)) {
        named.delete(other);
        handedOn.add(other);
        return { ...described(other, name), name };
      }
    }
    const objectLike = ts.isTypeLiteralNode(node);
    note(node);
    return { name, form: "type", source: objectLike ? `type ${name}` : source(declaration),
      members: objectLike ? members(target, type) : [], ...own };
  }
  if (ts.isInterfaceDeclaration(declaration)) {
    return { name, form: "type", source: `interface ${name}`,
      members: members(target, checker.getDeclaredTypeOfSymbol(target)), ...own };
  }
  return { name, form: "constant", source: source(declaration.parent?.parent ?? declaration), ...own };
}

/** Types that an entry point hands on under a name. */
const handedOn = new Set();

const modules = entries.map(([name, path]) => {
  const file = program.getSourceFile(path);
  if (!file) throw new Error(`${relative(ROOT, path)} is missing: npm run types`);
  const exported = checker.getExportsOfModule(checker.getSymbolAtLocation(file));
  const names = exported.map((symbol) => {
    handedOn.add(resolved(symbol));
    return described(symbol, symbol.name);
  });
  return { module: name.replace(/^\./, "tidings"), names };
});

const taken = new Set(modules.flatMap(({ names }) => names.map(({ name }) => name)));
const types = [];
for (;;) {
  const [next] = [...named.keys()].filter((symbol) => !handedOn.has(symbol));
  if (!next) break;
  handedOn.add(next);
  if (taken.has(next.name)) continue; // what a public class is derived from, under the same name
  types.push(described(next, next.name));
}
types.sort((one, other) => one.name.localeCompare(other.name));
process.stdout.write(JSON.stringify({ modules, types }));
