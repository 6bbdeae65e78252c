// Writes annotations as GitHub's toolkit does. Arguments: the toolkit's file, and annotations as a JSON list of
// {kind, message, properties}.
import { pathToFileURL } from 'node:url';

const [toolkit, annotations] = process.argv.slice(2);
const core = await import(pathToFileURL(toolkit).href);
for (const { kind, message, properties } of JSON.parse(annotations)) {
  core[kind](message, properties);
}
