// The addresses of the pages: `guides/errors.html`, `api/core/TokenProvider/layer.html`.
import * as TypeDoc from "typedoc"

class Addresses extends TypeDoc.StructureRouter {
  protected override getIdealBaseName(reflection: TypeDoc.Reflection): string {
    const name = super.getIdealBaseName(reflection)
    if (reflection.isDocument()) {
      return `guides/${reflection.name.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "")}`
    }
    return reflection.isProject() ? name : name.replace(/^_effect-spotnana\//, "api/")
  }
}

export const addressing = (app: TypeDoc.Application): void => app.renderer.defineRouter("addresses", Addresses)
