import request from "supertest";

/** The operators' secret of sites under test. */
export const OPERATOR_SECRET = "the secret of operators";

/** An operator who is signed in at a node. */
export type TestOperator = {
  cookie: string;
  post(path: string, body?: object): request.Test;
  get(path: string): request.Test;
};

/** Signs an operator in. Nodes must have OPERATOR_SECRET. */
export async function operator(url: string): Promise<TestOperator> {
  const own = { origin: url };
  const answer = await request(url).post("/api/operate/session").set(own).send({ secret: OPERATOR_SECRET }).expect(201);
  const cookie = String(answer.headers["set-cookie"]).split(";")[0] ?? "";
  return {
    cookie,
    post: (path, body = {}) =>
      request(url)
        .post(path)
        .set({ ...own, cookie })
        .send(body),
    get: (path) =>
      request(url)
        .get(path)
        .set({ ...own, cookie }),
  };
}
