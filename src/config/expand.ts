type Expanded =
  | { readonly text: string; readonly fault?: undefined }
  | { readonly fault: string; readonly text?: undefined }

/**
 * Fills `${NAME}` in from the environment; `$${` stands for `${` itself. An unset or empty variable is a fault, because
 * an empty passphrase or host that nobody noticed is worse than a gateway that does not start.
 */
export function expand(text: string, env: NodeJS.ProcessEnv): Expanded {
  let fault: string | undefined
  const result = text.replace(/\$(\$?)\{([^}]*)(\}?)/g, (whole, escaped: string, name: string, end: string) => {
    if (escaped !== '') return whole.slice(1)
    const value = env[name]
    if (end === '' || !/^\w+$/.test(name))
      fault ??= 'has a ${ that names no environment variable; write $${ for a plain ${'
    else if (typeof value !== 'string') fault ??= `the environment variable ${name} is not set`
    else if (value === '') fault ??= `the environment variable ${name} is empty`
    return typeof value === 'string' ? value : ''
  })
  return fault === undefined ? { text: result } : { fault }
}
