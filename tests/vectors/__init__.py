"""Other people's test vectors, read and judged by one runner.

Run by hand: `python -m tests.vectors ROOT [ROOT…]` (`--flip`, `--strict`, `--suite NAME`, `--all`), or by pytest
through test_suites.py. The data is never copied here: a root is a folder with one folder per suite.

To add a suite, write `suites/<folder name>.py` with one function:

    def cases(files: Files) -> Iterator[Case]:
        for file in files.named("proofs.json"):              # also proofs.dev.json, proofs.other.json, in every root
            for entry in file.json():
                proof = bytes.fromhex(entry["proof"])        # only what the verifier needs goes into `verify`
                yield Case(file, entry["name"], accept_if(entry["expect"] == "accept"), partial(verify_proof, proof))

- `verify` takes no argument and closes over inputs only: never the expectation, the verdict, the file or its name.
  It refuses by raising VerificationError; any other exception is a wrong verdict, whatever was expected.
- `Expected` is ACCEPT, REJECT or `value(x)`: `verify` must then return something equal to x.
- `files.named("x.json")` finds a file with any middle word; `files.matching("blocks/*.json")` finds many;
  `files.one("blocks/x.json")` finds a file that another one refers to, in any root. Reading a file marks it understood:
  a data file that nobody read fails the run, unless tables.py says that it carries no verdict.
- tables.py has the three tables: operations the product never performs, vectors that contradict their specification,
  and files without verdicts. Each row has its reason.
"""
