import * as Context from "effect/Context"
import * as References from "effect/References"
import * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"

type Services = Context.Context<never>

let last: WeakRef<Services> | undefined

/**
 * The services that acquisitions run with: those of the layer, without its scope and the span within which it is built.
 * Providers with the same services get the same object, because a context of its own takes 0.7 kB for each of thousands
 * of tenants.
 */
export const acquisitionServices = (ofLayer: Services): Services => {
  const services = Context.omit(Scope.Scope, Tracer.ParentSpan, References.CurrentStackFrame)(ofLayer)
  const { mapUnsafe } = services
  const known = last?.deref()
  const isKnown = known?.mapUnsafe.size === mapUnsafe.size &&
    [...mapUnsafe].every(([key, service]) => known.mapUnsafe.get(key) === service)
  if (isKnown) return known
  last = new WeakRef(services)
  return services
}
