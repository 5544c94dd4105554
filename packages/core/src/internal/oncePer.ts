/** Makes one value for each key, and keeps it as long as the key is in use. */
export const oncePer = <K extends object, V>(make: (key: K) => V): (key: K) => V => {
  const known = new WeakMap<K, V>()
  return (key) => {
    const value = known.get(key) ?? make(key)
    known.set(key, value)
    return value
  }
}
