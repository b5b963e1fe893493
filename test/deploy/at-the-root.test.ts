import { keepsTheDeployContract } from "./contract.ts";

keepsTheDeployContract("");
