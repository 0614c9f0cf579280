export {
  type Controller,
  type ControllerEnd,
  type ControllerOptions,
  startController,
} from "./start-controller.ts";
