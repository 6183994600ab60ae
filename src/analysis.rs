//! Turns what the engine has learnt into a [`Snapshot`], at the end of a capture or at any moment
//! before: everything that is known beside packets, and what the user chose, in one place.

mod light;
mod looks;
mod timeline;

pub use light::{Light, Touched};
pub use looks::{Copied, Kept, Made, Moment};

use crate::attribution::Signatures;
use crate::attribution::geo::Geo;
use crate::attribution::ledger::DeviceKey;
use crate::attribution::world::{Choice, World, device_id};
use crate::base::address::Mac;
use crate::base::text::{safe, span};
use crate::decode::FrameLedger;
use crate::engine::{Amount, Interruption, Mark, Outcome, Phase, Phases, Sums};
use crate::finding::{self, Severity, View};
use crate::snapshot::{
    Annex, CanaryShown, Coverage, Distributions, Duplicates, Gate, Input, InterruptionShown,
    LossesShown, MarkShown, PhaseDevice, PhaseShown, SCHEMA, Snapshot, Tool, names,
};
use crate::source::file::Ending;
use crate::standard::Window;

/// Notes of the operator between which the lens of a camera is covered: the control for uploads.
const LENS_COVERED: &str = "lens covered";
const LENS_UNCOVERED: &str = "lens uncovered";

/// See the module.
pub struct Analysis<'k> {
    /// Who is who.
    pub signatures: &'k Signatures,
    /// What is where.
    pub geo: &'k Geo,
    /// How the self-test went.
    pub canary: CanaryShown,
    /// Which devices are shown.
    pub choice: Choice,
    /// Severity from which on findings fail.
    pub fail_on: Option<Severity>,
    /// Whether a hash of the inputs was asked for.
    pub hashed: bool,
    /// Threads that look for findings.
    pub threads: usize,
}

impl<'k> Analysis<'k> {
    /// Of all devices, on one thread; nothing fails and nothing is hashed.
    #[must_use]
    pub fn of(signatures: &'k Signatures, geo: &'k Geo, canary: CanaryShown) -> Analysis<'k> {
        let choice = Choice::default();
        Analysis { signatures, geo, canary, choice, fail_on: None, hashed: false, threads: 1 }
    }

    /// The snapshot of an outcome. `endings` tell what was read, one entry an input.
    #[must_use]
    pub fn snapshot(&self, outcome: &Outcome, endings: &[Ending]) -> Snapshot {
        let Analysis { signatures, geo, choice, fail_on, hashed, threads, .. } = self;
        let world = World::build(&outcome.ledger, geo, signatures, choice);
        let coverage = self.coverage(&outcome.frames, &outcome.sums, &outcome.phases, endings);
        let asleep = slept(&outcome.phases.interruptions).is_some();
        let losses = losses(outcome, endings);
        let lossy = coverage.drops.declared.is_some_and(|drops| drops > 0)
            || endings.iter().any(|ending| ending.damage.is_some())
            || asleep
            || losses.weaken_absence();
        let view = View::new(&outcome.ledger, &world, lossy).here(choice.here.clone());
        let view = view.in_periods(outcome.phases.periods());
        let view = view.with_lens_covered(outcome.phases.between(LENS_COVERED, LENS_UNCOVERED));
        let mut findings = finding::run_in_threads(&view, *threads);
        drop(view);
        let timeline = outcome.timeline.as_ref();
        let timeline = timeline.map(|kept| timeline::shown(kept, &world.devices, &world.contacts));
        let mut withdrawn = coverage.incomplete_because.clone();
        if losses.weaken_absence() {
            withdrawn.push("tables were full or flows were given up (see losses)".to_owned());
        }
        let window = Window {
            times: outcome.frames.times,
            withdrawn,
            phases: outcome.phases.phases.iter().filter_map(|phase| phase.name).collect(),
        };
        let World { devices, destinations, contacts, .. } = &world;
        let annex = Annex::of(devices, destinations, contacts, &mut findings, window);
        Snapshot {
            schema: SCHEMA,
            tool: Tool::default(),
            inputs: endings.iter().map(|ending| Input::of(ending, *hashed)).collect(),
            gate: Gate::of(*fail_on, &findings, coverage.complete),
            coverage,
            devices: world.devices,
            destinations: world.destinations,
            contacts: world.contacts,
            names: names(&outcome.ledger),
            findings,
            annex,
            phases: phases(&outcome.phases),
            marks: outcome.phases.marks.iter().map(mark).collect(),
            interruptions: outcome.phases.interruptions.iter().map(interruption).collect(),
            timeline,
            left_out: world.left_out,
            distributions: Distributions::from(&outcome.distributions),
            losses,
        }
    }

    /// What was inspected so far.
    fn coverage(
        &self,
        frames: &FrameLedger,
        sums: &Sums,
        phases: &Phases,
        endings: &[Ending],
    ) -> Coverage {
        let Analysis { signatures, geo, canary, .. } = self;
        let mut coverage = Coverage::of(frames, endings, signatures, geo, canary.clone());
        let [frames, wire_bytes] = sums.duplicates;
        coverage.duplicates = Duplicates { frames, wire_bytes };
        coverage.conflicting_segments = sums.conflicts;
        let slept = slept(&phases.interruptions);
        coverage.complete &= slept.is_none();
        coverage.incomplete_because.extend(slept);
        coverage
    }
}

fn losses(outcome: &Outcome, endings: &[Ending]) -> LossesShown {
    let mut ledger = outcome.ledger.losses();
    ledger.paces += outcome.sums.losses.flows_unheard;
    LossesShown {
        flows_evicted: outcome.sums.losses.flows_evicted,
        gaps_given_up: outcome.sums.losses.gaps_given_up,
        flows_unread: outcome.sums.flows_unread,
        datagrams_evicted: outcome.fragment_losses.evicted,
        datagrams_contradictory: outcome.fragment_losses.contradictory,
        file_names: endings.iter().map(|ending| ending.declared.names_lost).sum(),
        dissector_faults: outcome.sums.faults,
        ledger,
    }
}

fn phases(phases: &Phases) -> Vec<PhaseShown> {
    let shown = |phase: &Phase| {
        let of = |(mac, [sent, received]): (&Mac, &[Amount; 2])| PhaseDevice {
            device: device_id(DeviceKey::Mac(*mac)),
            sent: [sent.frames, sent.wire_bytes],
            received: [received.frames, received.wire_bytes],
        };
        let mut devices: Vec<PhaseDevice> = phase.devices.iter().map(of).collect();
        devices.sort_unstable_by(|a, b| a.device.cmp(&b.device));
        PhaseShown {
            phase: phase.name,
            began: phase.began,
            first_frame: phase.first_frame,
            frames: phase.total.frames,
            wire_bytes: phase.total.wire_bytes,
            devices,
        }
    };
    phases.phases.iter().map(shown).collect()
}

/// What of the time could not be recorded at all.
fn slept(interruptions: &[Interruption]) -> Option<String> {
    let asleep = || interruptions.iter().filter(|interruption| interruption.asleep);
    let all = asleep().map(|slept| slept.to.since(slept.from)).reduce(i64::saturating_add)?;
    let often = asleep().count();
    let times = if often > 1 { format!(", {often} times") } else { String::new() };
    Some(format!("the machine slept while it recorded: {} are missing{times}", span(all)))
}

fn interruption(interruption: &Interruption) -> InterruptionShown {
    let Interruption { from, to, interface, why, .. } = interruption;
    InterruptionShown {
        from: *from,
        to: *to,
        interface: interface.as_ref().map(|name| safe(name.as_bytes())),
        why: safe(why.as_bytes()),
    }
}

fn mark(mark: &Mark) -> MarkShown {
    MarkShown { time: mark.time, text: safe(mark.text.as_bytes()), before_frame: mark.frame }
}
