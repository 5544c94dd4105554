// What TypeDoc finds in the sources, as a reader wants it.
import * as TypeDoc from "typedoc"
import ts from "typescript"
import type { Package } from "./packages.ts"

const { Converter, ReflectionKind } = TypeDoc

/** A module is a package: it has that one's name, and says what it is. */
const nameModule = (module: TypeDoc.DeclarationReflection, packages: ReadonlyArray<Package>): void => {
  const [source] = module.sources ?? []
  const found = packages.find(({ entry }) => source?.fullFileName.endsWith(`/${entry}`))
  if (found === undefined) throw new Error(`${source?.fullFileName} is in no package`)
  module.name = `@effect-spotnana/${found.name}`
  module.comment = new TypeDoc.Comment([{ kind: "text", text: found.description }])
}

/** Moves the members of a service's shape into the class. A shape that has a name stays, as a type of its own. */
const showShape = (
  service: TypeDoc.DeclarationReflection,
  shape: TypeDoc.ReferenceType,
  context: TypeDoc.Context
): void => {
  const { project } = context
  const [, type] = shape.typeArguments ?? []
  delete service.extendedTypes
  if (type instanceof TypeDoc.ReflectionType) {
    for (const member of type.declaration.children ?? []) {
      member.parent = service
      service.addChild(member)
    }
    type.declaration.children = []
    project.removeReflection(type.declaration)
  } else if (type instanceof TypeDoc.ReferenceType && type.reflection?.isDeclaration() === true) {
    for (const member of type.reflection.children ?? []) copyTo(service, member, project)
  } else {
    showEffectShape(service, context)
  }
}

/** What an application does not call. */
const plumbing = new Set(["pipe", "toJSON", "preprocess", "postprocess"])

/** The functions of a shape that Effect declares, as `HttpClient` does: TypeDoc reads no types of dependencies. */
const showEffectShape = (service: TypeDoc.DeclarationReflection, context: TypeDoc.Context): void => {
  const symbol = context.getSymbolFromReflection(service)
  const declaration = symbol?.declarations?.find(ts.isClassDeclaration)
  const call = declaration?.heritageClauses?.[0]?.types[0]?.expression
  if (call === undefined || !ts.isCallExpression(call) || !ts.isCallExpression(call.expression)) return
  // `Context.Service<Self, Shape>()(key)` in Effect 4, `Context.Tag(key)<Self, Shape>()` in Effect 3.
  const node = (call.typeArguments ?? call.expression.typeArguments)?.[1]
  const program = context.programs.find((program) => node && program.getSourceFile(node.getSourceFile().fileName))
  if (node === undefined || program === undefined) return
  const checker = program.getTypeChecker()
  for (const property of checker.getPropertiesOfType(checker.getTypeFromTypeNode(node))) {
    const type = checker.getTypeOfSymbol(property)
    const isFunction = type.getCallSignatures().length > 0
    if (!isFunction || !/^[a-z]/.test(property.name) || plumbing.has(property.name)) continue
    const text = checker.typeToString(type, node, ts.TypeFormatFlags.NoTruncation)
    const member = new TypeDoc.DeclarationReflection(property.name, ReflectionKind.Property, service)
    member.type = new TypeDoc.UnknownType(text.replaceAll(/import\("[^"]+"\)\./g, "").replaceAll(", never>", ">"))
    context.project.registerReflection(member, undefined, undefined)
    service.addChild(member)
  }
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

/** What the class of a service extends, in Effect 4 and in Effect 3. The second type argument is what it offers. */
const shapes = new Set(["Shape", "TagClassShape"])

/**
 * A service is a class that extends what `Context.Service` or `Context.Tag` makes, an error one that extends what `Schema.TaggedError`
 * makes. To a reader what counts are the members, not the type that they come from.
 */
const showMembers = (reflection: TypeDoc.DeclarationReflection, context: TypeDoc.Context): void => {
  const [base] = reflection.extendedTypes ?? []
  if (base === undefined) return
  for (const member of reflection.children?.slice() ?? []) {
    if (member.kind === ReflectionKind.Constructor) context.project.removeReflection(member)
    member.setFlag(TypeDoc.ReflectionFlag.Inherited, false)
    delete member.inheritedFrom
    delete member.defaultValue
    // Where it is declared here, not where what it replaces is.
    const own = member.sources?.filter(({ fileName }) => !fileName.includes("node_modules"))
    if (own !== undefined) member.sources = own
  }
  if (base instanceof TypeDoc.ReferenceType && shapes.has(base.name)) showShape(reflection, base, context)
  else delete reflection.extendedTypes
}

/** What a second package hands on of the engine leads to the first one's page, in the category that it has there. */
const showReference = (reference: TypeDoc.Reflection): void => {
  const target = reference.isReference() ? reference.tryGetTargetReflectionDeep() : undefined
  if (target?.comment !== undefined) reference.comment = target.comment.clone()
}

export const showServices = (app: TypeDoc.Application, packages: ReadonlyArray<Package>): void => {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, (context: TypeDoc.Context) => {
    context.project.getReflectionsByKind(ReflectionKind.Reference).forEach(showReference)
    for (const reflection of context.project.getReflectionsByKind(ReflectionKind.Module | ReflectionKind.Class)) {
      if (!reflection.isDeclaration()) continue
      if (reflection.kind === ReflectionKind.Module) nameModule(reflection, packages)
      else showMembers(reflection, context)
    }
  })
}
