import { Tracer } from "effect"

/** A tracer that keeps its spans for the test to look at. */
export const recordingTracer = () => {
  const spans: Array<Tracer.Span & { readonly events: Array<unknown> }> = []
  const tracer = Tracer.make({
    span: (name, parent, context, links, startTime, kind, options) => {
      let status: Tracer.SpanStatus = { _tag: "Started", startTime }
      const attributes = new Map(Object.entries(options?.attributes ?? {}))
      const events: Array<unknown> = []
      const span = {
        _tag: "Span" as const,
        name,
        spanId: `span-${spans.length}`,
        traceId: `trace-${spans.length}`,
        parent,
        context,
        links,
        kind,
        attributes,
        events,
        sampled: true,
        get status() {
          return status
        },
        end: (
          endTime: bigint,
          exit: Tracer.SpanStatus extends infer S ? S extends { exit: infer X } ? X : never : never
        ) => {
          status = { _tag: "Ended", startTime, endTime, exit }
        },
        attribute: (key: string, value: unknown) => void attributes.set(key, value),
        event: (name: string, at: bigint, attributes?: Record<string, unknown>) =>
          void events.push([name, at, attributes]),
        addLinks: () => {}
      }
      spans.push(span)
      return span
    },
    context: (execute) => execute()
  })
  return { spans, tracer }
}
