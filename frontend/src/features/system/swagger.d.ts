declare module "swagger-ui-dist/swagger-ui-es-bundle" {
  interface Options {
    domNode: HTMLElement;
    url: string;
    validatorUrl: null;
    docExpansion: "none" | "list" | "full";
    defaultModelsExpandDepth: number;
    deepLinking: boolean;
    onComplete: () => void;
  }
  export default function SwaggerUI(options: Options): unknown;
}
