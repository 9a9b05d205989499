import { escaped } from './report-formats.ts'

/** A page for people, whatever it is written in. */
export interface Sheet {
  readonly title: string
  readonly sections: readonly Section[]
}

export interface Section {
  readonly title: string
  readonly parts: readonly Part[]
}

export type Part =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'list'; readonly items: readonly string[] }
  /** Lines to copy; `id` is stable, for whoever looks for one. */
  | { readonly kind: 'code'; readonly id: string; readonly label: string; readonly text: string }

export const sheetFormats = ['md', 'txt', 'html', 'eml'] as const
export type SheetFormat = (typeof sheetFormats)[number]

/** Of a letter; who is not known is left out, to be filled in. */
export interface Letter {
  readonly from?: string | undefined
  readonly to?: string | undefined
}

export function sheetText(sheet: Sheet, format: SheetFormat, letter: Letter = {}): string {
  return { md, txt, html, eml: () => eml(sheet, letter) }[format](sheet)
}

/** A draft, which mail programs open to be sent (RFC 5322); the page is its text. */
function eml(sheet: Sheet, { from, to }: Letter): string {
  const head = [
    ...(from === undefined ? [] : [`From: ${from}`]),
    ...(to === undefined ? [] : [`To: ${to}`]),
    `Subject: ${encodedWords(sheet.title)}`,
    'X-Unsent: 1',
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: base64',
  ]
  const body =
    Buffer.from(txt(sheet))
      .toString('base64')
      .match(/.{1,76}/g) ?? []
  return `${[...head, '', ...body].join('\r\n')}\r\n`
}

/** Words of up to 39 bytes, so that a line with one has at most 76 characters, also the first (RFC 2047 section 2). */
function encodedWords(text: string): string {
  if (/^[ -~]{1,60}$/.test(text)) return text
  const words: string[] = []
  for (const character of text) {
    const last = words.at(-1)
    if (last === undefined || Buffer.byteLength(last + character) > 39) words.push(character)
    else words[words.length - 1] = last + character
  }
  return words.map((word) => `=?utf-8?B?${Buffer.from(word).toString('base64')}?=`).join('\r\n ')
}

function md({ title, sections }: Sheet): string {
  const part = (one: Part): string => {
    if (one.kind === 'text') return markdown(one.text)
    if (one.kind === 'list') return one.items.map((item) => `- ${markdown(item)}`).join('\n')
    return `${markdown(one.label)}\n\n${indented(one.text)}`
  }
  const blocks = sections.flatMap((section) => [`## ${markdown(section.title)}`, ...section.parts.map(part)])
  return `${[`# ${markdown(title)}`, ...blocks].join('\n\n')}\n`
}

/** Whatever would be taken for a mark is taken for itself. */
function markdown(text: string): string {
  return text.replace(/[\\`*_[\]<>|#]/g, '\\$&')
}

function txt({ title, sections }: Sheet): string {
  const part = (one: Part): string => {
    if (one.kind === 'text') return one.text
    if (one.kind === 'list') return one.items.map((item) => `  * ${item}`).join('\n')
    return `${one.label}\n\n${indented(one.text)}`
  }
  const headed = (text: string, mark: string) => `${text}\n${mark.repeat(text.length)}`
  const blocks = sections.flatMap((section) => [headed(section.title, '-'), ...section.parts.map(part)])
  return `${[headed(title, '='), ...blocks].join('\n\n')}\n`
}

function indented(text: string): string {
  return text.replace(/^(?=.)/gm, '    ')
}

const style = 'body{font:15px sans-serif;max-width:46em;margin:2em auto}pre{background:#eee;padding:.7em;overflow:auto}'

function html({ title, sections }: Sheet): string {
  const part = (one: Part): string => {
    if (one.kind === 'text') return `<p>${escaped(one.text)}</p>`
    if (one.kind === 'list') return `<ul>${one.items.map((item) => `<li>${escaped(item)}</li>`).join('')}</ul>`
    return `<p>${escaped(one.label)}</p><pre id="${escaped(one.id)}">${escaped(one.text)}</pre>`
  }
  const blocks = sections.flatMap((section) => [`<h2>${escaped(section.title)}</h2>`, ...section.parts.map(part)])
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${escaped(title)}</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>${style}</style></head>
<body><h1>${escaped(title)}</h1>
${blocks.join('\n')}
</body></html>
`
}
