import { execFileSync, spawnSync } from "node:child_process";
import { mkdir, open } from "node:fs/promises";

/** Only root may mount a file system, and this one is Linux's. */
export const CAN_MOUNT = process.platform === "linux" && process.getuid?.() === 0;

/** A file system in memory that can be filled. */
export type SmallDisk = { unmount(): void };

/**
 * Mounts a file system of `size`, for example "200m", at a folder, which it makes. Other users may
 * pass through it.
 */
export async function mountSmallDisk(folder: string, size: string): Promise<SmallDisk> {
  await mkdir(folder);
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size},mode=711`, "tmpfs", folder]);
  // While a file is open, the system removes it later.
  const unmount = () => void spawnSync("umount", ["-l", folder], { stdio: "ignore" });
  process.once("exit", unmount);
  return {
    unmount: () => {
      process.off("exit", unmount);
      unmount();
    },
  };
}

/** Writes to a new file until no byte is left on its disk. */
export async function fillDisk(path: string): Promise<void> {
  const file = await open(path, "w");
  try {
    for (let size = 1024 * 1024; size >= 512; ) {
      const written = await file.write(Buffer.alloc(size)).then(
        ({ bytesWritten }) => bytesWritten,
        () => 0,
      );
      if (written < size) size /= 2;
    }
  } finally {
    await file.close();
  }
}
