import { describeLease } from "./fixture/describe-lease.ts";

describeLease("the bundled PostgreSQL");
