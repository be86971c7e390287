// An OpenID provider for the tests: the certified oidc-provider with one client, and a login form that takes any
// name with any password. Who signs in is the name; `unverified` has a mail address that nobody has verified.
//
// Usage: node openid_provider.mjs PACKAGES PORT CLIENT SECRET REDIRECT
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { webcrypto } from "node:crypto";

globalThis.crypto ??= webcrypto;
const [packages, port, client_id, client_secret, redirect] = process.argv.slice(2);
const require = createRequire(pathToFileURL(`${packages}/node_modules/`));
const { Provider } = await import(pathToFileURL(require.resolve("oidc-provider")).href);

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ client_id, client_secret, redirect_uris: [redirect] }],
  pkce: { required: () => true },
  // What the client asks for stands in the signed answer itself.
  conformIdTokenClaims: false,
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["preferred_username"] },
  cookies: { keys: ["tests-only"] },
  async findAccount(_, id) {
    return {
      accountId: id,
      claims: () => ({
        sub: id,
        email: `${id}@example.com`,
        email_verified: id !== "unverified",
        preferred_username: id,
      }),
    };
  },
  // Nobody is asked whether our own host may know who they are.
  async loadExistingGrant(context) {
    const { client, session, provider: self } = context.oidc;
    const grant = new self.Grant({ clientId: client.clientId, accountId: session.accountId });
    grant.addOIDCScope("openid email profile");
    await grant.save();
    return grant;
  },
});
provider.listen(Number(port), "127.0.0.1");
