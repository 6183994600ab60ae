//! `phonehome plan`.

use super::Failure;
use crate::base::text::safe;
use crate::plan::{self, Plan, span};
use crate::standard::{self, Unanswered};
use clap::Subcommand;
use std::io::{self, Write};

#[derive(Debug, Subcommand)]
pub enum PlanCommand {
    /// List the plans that are built in
    #[command(after_help = "Example:\n  phonehome plan list")]
    List,
    /// Show the steps of a plan
    #[command(after_help = "Example:\n  phonehome plan show camera-hour")]
    Show {
        /// Name of a built-in plan, or a file
        #[arg(value_parser = |name: &str| plan::find(name))]
        plan: Plan,
    },
    /// Say which questions a plan can answer, and which questions and clauses of standards it
    /// cannot. Exit code 1 where it cannot answer all questions
    #[command(after_help = "Example:\n  phonehome plan check camera-week")]
    Check {
        /// Name of a built-in plan, or a file
        #[arg(value_parser = |name: &str| plan::find(name))]
        plan: Plan,
    },
}

pub fn run(command: &PlanCommand) -> Result<u8, Failure> {
    let mut out = io::stdout().lock();
    Ok(write(command, &mut out).map_err(anyhow::Error::from)?)
}

fn write(command: &PlanCommand, out: &mut dyn Write) -> io::Result<u8> {
    match command {
        PlanCommand::List => {
            for plan in plan::built_in().map_err(io::Error::other)? {
                writeln!(out, "{:<14} {:<8} {}", plan.name, span(plan.minutes()), plan.title)?;
            }
            Ok(0)
        }
        PlanCommand::Show { plan } => {
            let (name, title) = (safe(plan.name.as_bytes()), safe(plan.title.as_bytes()));
            writeln!(out, "{name}: {title}\n{} in all\n", span(plan.minutes()))?;
            for (index, step) in plan.steps.iter().enumerate() {
                let control = step.control.map_or("", |control| control.name());
                let note = if control.is_empty() { "" } else { " control" };
                let (phase, lasts) = (&step.phase, span(step.minutes));
                writeln!(out, "{:>2}. {phase:<9} {lasts:<8} {control}{note}", index + 1)?;
                if let Some(ask) = &step.ask {
                    writeln!(out, "    {}", safe(ask.as_bytes()))?;
                }
            }
            Ok(0)
        }
        PlanCommand::Check { plan } => {
            let mut all = true;
            for question in plan::check(plan) {
                if question.lacks.is_empty() {
                    writeln!(out, "can     {}", question.asks)?;
                } else {
                    all = false;
                    writeln!(out, "cannot  {}", question.asks)?;
                    writeln!(out, "        lacks: {}", question.lacks.join("; "))?;
                }
            }
            let standards = standard::shipped().map_err(io::Error::other)?;
            let (open, blind) = standard::unanswered(&standards, plan);
            writeln!(out, "\nClauses of standards that it cannot answer: {}", open.len())?;
            for clause in &open {
                let Unanswered { standard, clause: id, says, lacks } = clause;
                writeln!(out, "cannot  {standard} {id}: {says}")?;
                writeln!(out, "        lacks: {}", lacks.join("; "))?;
            }
            writeln!(out, "{blind} more cannot be seen in traffic, whatever the plan.")?;
            Ok(u8::from(!all))
        }
    }
}
