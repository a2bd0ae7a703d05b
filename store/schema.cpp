#include "store/schema.h"

namespace weir {

const char* const kLaunchCounters = R"sql(
-- Of a measurement with several launches: each one's counters.
CREATE TABLE launch_counters (
  record_id        INTEGER NOT NULL REFERENCES measurement ON DELETE CASCADE,
  position         INTEGER NOT NULL CHECK (position >= 0),
  launch           TEXT NOT NULL,
  dram_read_bytes  REAL NOT NULL,
  dram_write_bytes REAL NOT NULL,
  l2_read_bytes    REAL NOT NULL,
  l2_write_bytes   REAL NOT NULL,
  duration_seconds REAL NOT NULL,
  PRIMARY KEY (record_id, position)
) STRICT, WITHOUT ROWID;
PRAGMA user_version = 3;
)sql";

// The order of columns is the order in which row.cpp visits the fields of a record.
const char* const kSchema = R"sql(
CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- A GPU model, or (gpu_name '') a profile that predictions were made for.
CREATE TABLE device (
  device_id              INTEGER PRIMARY KEY,
  gpu_name               TEXT NOT NULL,
  compute_capability     INTEGER NOT NULL CHECK (compute_capability >= 0),
  sm_count               INTEGER NOT NULL CHECK (sm_count >= 0),
  l2_bytes               INTEGER NOT NULL CHECK (l2_bytes >= 0),
  profile                TEXT NOT NULL,
  max_threads_per_sm     INTEGER,
  registers_per_sm       INTEGER,
  shared_bytes_per_sm    INTEGER,
  shared_bytes_per_block INTEGER,
  UNIQUE (gpu_name, compute_capability, sm_count, l2_bytes, profile)
) STRICT;

CREATE TABLE kernel (
  kernel_id   INTEGER PRIMARY KEY,
  kernel      TEXT NOT NULL,
  source_hash TEXT NOT NULL,
  definition  TEXT,
  UNIQUE (kernel, source_hash)
) STRICT;

CREATE TABLE problem (
  problem_id INTEGER PRIMARY KEY,
  kernel_id  INTEGER NOT NULL REFERENCES kernel ON DELETE CASCADE,
  problem    TEXT NOT NULL,
  tables     TEXT,
  UNIQUE (kernel_id, problem)
) STRICT;

-- Every text that many rows share, once: configurations, reasons, versions. A sweep rejects thousands of configurations for a
-- handful of reasons, and the same ones for every problem.
CREATE TABLE text (
  text_id INTEGER PRIMARY KEY,
  text    TEXT NOT NULL UNIQUE
) STRICT;

-- One candidate on one device; the view `record` shows it with its texts.
CREATE TABLE entry (
  record_id           INTEGER PRIMARY KEY,
  problem_id          INTEGER NOT NULL REFERENCES problem ON DELETE CASCADE,
  config_id           INTEGER NOT NULL REFERENCES text,
  device_id           INTEGER NOT NULL REFERENCES device,
  driver_version_id   INTEGER NOT NULL REFERENCES text,
  compiler_version_id INTEGER NOT NULL REFERENCES text,
  policy_id           INTEGER NOT NULL REFERENCES text,
  schema_version      INTEGER NOT NULL CHECK (schema_version >= 1),
  outcome             TEXT NOT NULL CHECK (outcome IN ('predicted', 'measured', 'rejected', 'failed')),
  reason_id           INTEGER NOT NULL REFERENCES text,
  is_default          INTEGER NOT NULL CHECK (is_default IN (0, 1)),
  profile_id          INTEGER NOT NULL REFERENCES text,
  written_at          TEXT NOT NULL,
  UNIQUE (problem_id, config_id, device_id, driver_version_id, compiler_version_id, policy_id, schema_version)
) STRICT;

CREATE VIEW record AS
SELECT e.record_id, e.problem_id, c.text AS config, e.device_id, v.text AS driver_version, n.text AS compiler_version,
       o.text AS policy, e.schema_version, e.outcome, y.text AS reason, e.is_default, f.text AS profile, e.written_at
FROM entry e
JOIN text c ON c.text_id = e.config_id
JOIN text v ON v.text_id = e.driver_version_id
JOIN text n ON n.text_id = e.compiler_version_id
JOIN text o ON o.text_id = e.policy_id
JOIN text y ON y.text_id = e.reason_id
JOIN text f ON f.text_id = e.profile_id;

CREATE TABLE prediction (
  record_id             INTEGER PRIMARY KEY REFERENCES entry ON DELETE CASCADE,
  fidelity              TEXT NOT NULL,
  dram_read_bytes       REAL NOT NULL,
  dram_write_bytes      REAL NOT NULL,
  l2_read_bytes         REAL NOT NULL,
  l2_write_bytes        REAL NOT NULL,
  l2_hit_rate           REAL NOT NULL,
  dirty_bytes           REAL NOT NULL,
  dram_read_low_bytes   REAL NOT NULL,
  dram_read_high_bytes  REAL NOT NULL,
  dram_write_low_bytes  REAL NOT NULL,
  dram_write_high_bytes REAL NOT NULL,
  time_seconds          REAL NOT NULL,
  bound_by              TEXT NOT NULL CHECK (bound_by IN ('tensor', 'fp32', 'special_function', 'shared_memory', 'l2',
                                                          'dram', 'latency')),
  regime                TEXT NOT NULL CHECK (regime IN ('compulsory', 'fits', 'transition', 'thrash')),
  compulsory_bytes      REAL NOT NULL,
  sram_level_bytes      REAL NOT NULL,
  lower_bound_bytes     REAL NOT NULL,
  lower_bound_source    TEXT NOT NULL,
  tensors               TEXT NOT NULL,
  launches              TEXT NOT NULL,
  uncalibrated_traffic  TEXT NOT NULL,
  uncalibrated_time     TEXT NOT NULL
) STRICT;

CREATE TABLE measurement (
  record_id            INTEGER PRIMARY KEY REFERENCES entry ON DELETE CASCADE,
  tier                 TEXT NOT NULL CHECK (tier IN ('A', 'B', 'C', 'D')),
  tier_reason          TEXT NOT NULL,
  registers_per_thread INTEGER NOT NULL,
  spill_bytes          INTEGER NOT NULL,
  stack_bytes          INTEGER NOT NULL,
  static_shared_bytes  INTEGER NOT NULL,
  verified             INTEGER NOT NULL CHECK (verified IN (0, 1)),
  error                REAL NOT NULL,
  allowed_error        REAL NOT NULL,
  verification_detail  TEXT NOT NULL,
  median_seconds       REAL NOT NULL,
  low_seconds          REAL NOT NULL,
  high_seconds         REAL NOT NULL,
  minimum_seconds      REAL NOT NULL,
  samples              INTEGER NOT NULL CHECK (samples >= 0),
  discarded            INTEGER NOT NULL CHECK (discarded >= 0),
  sm_clock_hertz       REAL NOT NULL,
  l2_state             TEXT NOT NULL,
  dram_read_bytes      REAL NOT NULL,
  dram_write_bytes     REAL NOT NULL,
  l2_read_bytes        REAL NOT NULL,
  l2_write_bytes       REAL NOT NULL,
  duration_seconds     REAL NOT NULL,
  repeats              INTEGER NOT NULL CHECK (repeats >= 0),
  dram_read_spread     REAL NOT NULL,
  raw_counters         TEXT NOT NULL,
  gpu_uuid             TEXT NOT NULL,
  cupti_version        TEXT NOT NULL,
  weir_version         TEXT NOT NULL,
  date                 TEXT NOT NULL
) STRICT;

-- Compiled modules, found by what they were compiled from.
CREATE TABLE module (
  module_id        INTEGER PRIMARY KEY,
  source_hash      TEXT NOT NULL,
  header_hash      TEXT NOT NULL,
  architecture     INTEGER NOT NULL CHECK (architecture > 0),
  compiler_version TEXT NOT NULL,
  cubin            BLOB NOT NULL,
  UNIQUE (source_hash, header_hash, architecture)
) STRICT;

-- What a ship file offers: rank 0 is the pick, the others tie with it. Empty in a work file.
CREATE TABLE pick (
  problem_id INTEGER NOT NULL REFERENCES problem ON DELETE CASCADE,
  device_id  INTEGER NOT NULL REFERENCES device,
  rank       INTEGER NOT NULL CHECK (rank >= 0),
  record_id  INTEGER NOT NULL UNIQUE REFERENCES entry ON DELETE CASCADE,
  PRIMARY KEY (problem_id, device_id, rank)
) STRICT, WITHOUT ROWID;
)sql";

const char* const kResultsView = R"sql(
-- Prediction and measurement side by side, one row per record. Relative errors are predicted / counted - 1.
CREATE VIEW results AS
SELECT k.kernel, k.source_hash, q.problem, r.config, r.outcome, r.reason, r.is_default,
       d.gpu_name, d.compute_capability, d.sm_count, d.l2_bytes, r.profile,
       r.driver_version, r.compiler_version, r.policy, r.written_at,
       p.fidelity, p.regime, p.bound_by,
       p.time_seconds          AS predicted_seconds,
       p.dram_read_bytes       AS predicted_dram_read_bytes,
       p.dram_read_low_bytes   AS predicted_dram_read_low_bytes,
       p.dram_read_high_bytes  AS predicted_dram_read_high_bytes,
       p.dram_write_bytes      AS predicted_dram_write_bytes,
       p.l2_read_bytes         AS predicted_l2_read_bytes,
       p.l2_write_bytes        AS predicted_l2_write_bytes,
       p.l2_hit_rate           AS predicted_l2_hit_rate,
       p.compulsory_bytes, p.sram_level_bytes, p.lower_bound_bytes,
       p.uncalibrated_traffic = '' AS calibrated, p.uncalibrated_traffic, p.uncalibrated_time,
       m.tier, m.tier_reason, m.verified,
       m.error                 AS verification_error,
       m.allowed_error         AS verification_allowed_error,
       m.registers_per_thread, m.spill_bytes,
       m.median_seconds, m.low_seconds, m.high_seconds, m.samples, m.discarded, m.sm_clock_hertz, m.l2_state,
       iif(m.tier = 'A', m.dram_read_bytes, NULL)  AS counted_dram_read_bytes,
       iif(m.tier = 'A', m.dram_write_bytes, NULL) AS counted_dram_write_bytes,
       iif(m.tier = 'A', m.l2_read_bytes, NULL)    AS counted_l2_read_bytes,
       iif(m.tier = 'A', m.l2_write_bytes, NULL)   AS counted_l2_write_bytes,
       iif(m.tier = 'A' AND m.dram_read_bytes > 0, p.dram_read_bytes / m.dram_read_bytes - 1, NULL)
                               AS dram_read_error,
       iif(m.median_seconds > 0, p.time_seconds / m.median_seconds - 1, NULL)
                               AS time_error,
       m.gpu_uuid, m.cupti_version, m.weir_version, m.date
FROM record r
JOIN problem q USING (problem_id)
JOIN kernel k USING (kernel_id)
JOIN device d USING (device_id)
LEFT JOIN prediction p USING (record_id)
LEFT JOIN measurement m USING (record_id);
)sql";

const char* const kUpgradeFrom1 = R"sql(
ALTER TABLE prediction ADD COLUMN uncalibrated_traffic TEXT NOT NULL DEFAULT 'not recorded';
ALTER TABLE prediction ADD COLUMN uncalibrated_time TEXT NOT NULL DEFAULT 'not recorded';
DROP VIEW results;
PRAGMA user_version = 2;
)sql";

}  // namespace weir
