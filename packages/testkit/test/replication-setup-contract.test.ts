import {
  SimulatedReplicationSetup,
  VirtualClock,
  describeReplicationSetup,
} from "@cloudphoenix/testkit";

describeReplicationSetup({
  name: "simulated",
  setup: async () => {
    const clock = new VirtualClock();
    // Time passes by itself: whoever sleeps is woken at the next turn.
    const turning = setInterval(() => void clock.advance(1_000), 1);
    const replication = new SimulatedReplicationSetup(clock);
    return {
      replication,
      pair: { from: "aws-us-east-1", to: "azure-westeurope", generation: 1 },
      addTable: async (name) => void replication.tables.add(name),
      spoil: async () => {
        replication.unfit.add("spoilt");
        return "spoilt";
      },
      stop: async () => clearInterval(turning),
    };
  },
});
