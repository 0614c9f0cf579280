import { describeLease } from "./fixture/describe-lease.ts";

describeLease("the writer lease in the database");
