# docker build -t chattera . && docker run -p 3000:3000 -v chattera:/var/lib/chattera chattera
# With -e DATABASE_URL=postgres://… it uses that server, and the volume stays empty.

FROM node:20-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund || npm install --no-audit --no-fund
COPY . .
RUN npm run build && npm prune --omit=dev

# slim, not alpine: the PostgreSQL that npm brings needs the GNU C library
FROM node:20-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000 DATA_DIR=/var/lib/chattera
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
# node (1000) has an entry in /etc/passwd, without which PostgreSQL does not make its files
RUN install -d -o node -g node -m 700 /var/lib/chattera
USER node
VOLUME /var/lib/chattera
EXPOSE 3000
CMD ["node", "dist/server/process/cli.js", "serve"]
