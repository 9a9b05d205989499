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

export const sheetFormats = ['md', 'txt', 'html'] as const
export type SheetFormat = (typeof sheetFormats)[number]

export function sheetText(sheet: Sheet, format: SheetFormat): string {
  return { md, txt, html }[format](sheet)
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
