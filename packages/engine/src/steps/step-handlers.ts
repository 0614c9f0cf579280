/** The registry: one handler per kind of step. */
import { fenceSite, unfenceSite } from "./fence-site.ts";
import { approval, notify, pause } from "./people.ts";
import { drainReplication, measureLoss, openWrites, promoteDatabase } from "./replicated-data.ts";
import { drainObjects, settleObjects } from "./replicated-objects.ts";
import { patientPorts } from "./patient-ports.ts";
import { reportRun } from "./report-run.ts";
import { admitSite, compareSites, recordSalvage, rejoinSite } from "./returned-site.ts";
import { restartDatabase, restartWorkload, scaleWorkload, verifySite } from "./site-platform.ts";
import type { StepHandlers } from "./step-handler.ts";
import type { StepPorts } from "./step-ports.ts";
import { switchTraffic, verifyConvergence } from "./user-traffic.ts";

/** Handlers that act through the ports that are `given`. */
export function stepHandlers(given: StepPorts): StepHandlers {
  const ports = patientPorts(given);
  return {
    approval: approval(),
    pause: pause(),
    "fence-site": fenceSite(ports),
    "unfence-site": unfenceSite(ports),
    "measure-loss": measureLoss(ports),
    "drain-replication": drainReplication(ports),
    "drain-objects": drainObjects(ports),
    "promote-database": promoteDatabase(ports),
    "restart-database": restartDatabase(ports),
    "scale-workload": scaleWorkload(ports),
    "restart-workload": restartWorkload(ports),
    "verify-site": verifySite(ports),
    "switch-traffic": switchTraffic(ports),
    "open-writes": openWrites(ports),
    "verify-convergence": verifyConvergence(ports),
    "settle-objects": settleObjects(ports),
    "record-salvage": recordSalvage(ports),
    "rejoin-site": rejoinSite(ports),
    "admit-site": admitSite(ports),
    "compare-sites": compareSites(ports),
    notify: notify(ports),
    report: reportRun(ports),
  };
}
