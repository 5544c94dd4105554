// What TypeDoc finds in the sources, as a reader wants it.
import * as TypeDoc from "typedoc"
import core from "../../packages/core/package.json" with { type: "json" }
import engine from "../../packages/engine/package.json" with { type: "json" }
import testing from "../../packages/testing/package.json" with { type: "json" }

const { Converter, ReflectionKind } = TypeDoc

const manifests = [core, testing, engine]

/** A module is a package: it has that one's name, and says what it is. */
const nameModule = (module: TypeDoc.DeclarationReflection): void => {
  const [source] = module.sources ?? []
  const manifest = manifests.find(({ repository }) => source?.fullFileName.includes(`${repository.directory}/`)) ?? core
  module.name = manifest.name
  module.comment = new TypeDoc.Comment([{ kind: "text", text: manifest.description }])
}

/** Moves the members of a service's shape into the class. A shape that has a name stays, as what the class extends. */
const showShape = (
  service: TypeDoc.DeclarationReflection,
  shape: TypeDoc.ReferenceType,
  project: TypeDoc.ProjectReflection
): void => {
  const [, type] = shape.typeArguments ?? []
  if (type instanceof TypeDoc.ReferenceType && type.reflection?.isDeclaration() === true) {
    delete service.extendedTypes
    for (const member of type.reflection.children ?? []) copyTo(service, member, project)
    return
  }
  if (!(type instanceof TypeDoc.ReflectionType)) {
    if (type !== undefined) service.extendedTypes = [type]
    return
  }
  delete service.extendedTypes
  for (const member of type.declaration.children ?? []) {
    member.parent = service
    service.addChild(member)
  }
  type.declaration.children = []
  project.removeReflection(type.declaration)
}

/** The members of an interface that is a service's shape are shown with both. */
const copyTo = (
  service: TypeDoc.DeclarationReflection,
  member: TypeDoc.DeclarationReflection,
  project: TypeDoc.ProjectReflection
): void => {
  const copy = new TypeDoc.DeclarationReflection(member.name, member.kind, service)
  if (member.type !== undefined) copy.type = member.type
  if (member.comment !== undefined) copy.comment = member.comment.clone()
  if (member.sources !== undefined) copy.sources = member.sources
  project.registerReflection(copy, undefined, undefined)
  service.addChild(copy)
}

/**
 * A service is a class that extends what `Context.Service` makes, an error one that extends what `Schema.TaggedError`
 * makes. To a reader what counts are the members, not the type that they come from.
 */
const showMembers = (reflection: TypeDoc.DeclarationReflection, project: TypeDoc.ProjectReflection): void => {
  const [base] = reflection.extendedTypes ?? []
  if (base === undefined) return
  for (const member of reflection.children?.slice() ?? []) {
    if (member.kind === ReflectionKind.Constructor) project.removeReflection(member)
    member.setFlag(TypeDoc.ReflectionFlag.Inherited, false)
    delete member.inheritedFrom
    delete member.defaultValue
    // Where it is declared here, not where what it replaces is.
    const own = member.sources?.filter(({ fileName }) => !fileName.includes("node_modules"))
    if (own !== undefined) member.sources = own
  }
  if (base instanceof TypeDoc.ReferenceType && base.name === "Shape") showShape(reflection, base, project)
  else delete reflection.extendedTypes
}

export const reading = (app: TypeDoc.Application): void => {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }: TypeDoc.Context) => {
    for (const reflection of project.getReflectionsByKind(ReflectionKind.Module | ReflectionKind.Class)) {
      if (!reflection.isDeclaration()) continue
      if (reflection.kind === ReflectionKind.Module) nameModule(reflection)
      else showMembers(reflection, project)
    }
  })
}
