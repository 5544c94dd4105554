import * as Context from "effect/Context"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"

type Services = Context.Context<never>

/** The last services, for each set of layers that are built together. */
const lastOf = new WeakMap<object, Services>()

/**
 * The services that acquisitions run with: those of the layer, without its scope and the spans within which it is built.
 * Providers of a `LayerMap` with the same services get the same object, because a context of its own takes 0.7 kB for
 * each of thousands of tenants.
 */
export const acquisitionServices = (ofLayer: Services): Services => {
  const services = Context.omit(
    Scope.Scope,
    Tracer.ParentSpan,
    References.CurrentStackFrame,
    References.CurrentLogSpans
  )(ofLayer)
  const layers = Context.getOrUndefined(services, Layer.CurrentMemoMap) ?? services
  const added = [...services.mapUnsafe]
  const known = lastOf.get(layers)
  if (
    known?.mapUnsafe.size === added.length && added.every(([key, service]) => known.mapUnsafe.get(key) === service)
  ) return known
  lastOf.set(layers, services)
  return services
}
