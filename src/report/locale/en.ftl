# What people read about a run, in English. Every language file has the same messages with the same
# variables; a test holds them together. Sentences of causes and steps begin small and end without a
# full stop: they stand inside others, and get both where they stand alone.

# How it ended
outcome-clean = done, { $files ->
    [one] { $files } file
   *[other] { $files } files
}
outcome-warnings = done, { $files ->
    [one] { $files } file
   *[other] { $files } files
}, { $warnings ->
    [one] { $warnings } warning
   *[other] { $warnings } warnings
}
outcome-partial = { $failed } of { $total } need you
outcome-failed = NOT exported (all { $failed } failed)
outcome-nothing = NOT exported ({ $cause })
outcome-stopped = stopped, { $done } of { $total } done

# What to do
todo-clean = { $files ->
    [one] Nothing to do: the file is ready.
   *[other] Nothing to do: the { $files } files are ready.
}
files-ready = { $files ->
    [one] { $files } file is ready.
   *[other] { $files } files are ready.
}
look-below = { $warnings ->
    [one] Please look at the warning below.
   *[other] Please look at the warnings below.
}
look-in-report = { $warnings ->
    [one] Please look at the warning in report.html in the report folder.
   *[other] Please look at the warnings in report.html in the report folder.
}
todo-partial = { $failed ->
    [one] { $failed } of { $total } files needs your attention; everything else that could be exported is ready.
   *[other] { $failed } of { $total } files need your attention; everything else that could be exported is ready.
}
nothing-exported = Nothing was exported.
nothing-because = Nothing was exported: { $cause }.
step = What to do: { $step }
see-report = report.html in the report folder says what is wrong with each.
correct-below = Correct what is listed below.
drop-again = Then drop the manifest again.
copy-retry = { $files ->
    [one] Then copy retry-failed.toml from the report folder into the drop folder; it asks for exactly this file again. If a name or a setting was wrong, correct it in retry-failed.toml first.
   *[other] Then copy retry-failed.toml from the report folder into the drop folder; it asks for exactly these files again. If a name or a setting was wrong, correct it in retry-failed.toml first.
}
show-operator = If you do not run exportd yourself, pass this on to whoever does.
refused-many = Nothing was exported, because { $name } has { $mistakes } mistakes. Correct those listed below, then put the file into the drop folder again.
refused-one = Nothing was exported, because { $name } has a mistake. Correct it as shown below, then put the file into the drop folder again.
refused-in = Nothing was exported, because { $name } has a mistake: { $cause }. Correct it, then put the file into the drop folder again.
stopped-after = Somebody stopped this export after { $done } of { $total ->
    [one] { $total } file
   *[other] { $total } files
}.
stopped-rest = To get the other { $rest ->
    [one] { $rest } file
   *[other] { $rest } files
}, drop the manifest again.
stopped-kept = What is done is kept, but not delivered. Ask whoever runs exportd to go on with the rest (exportd resume { $run }) or to forget it (exportd delete { $run }).
todo-running = Nothing to do yet: { $done } done so far.

# Why this mail
why-unread = You are receiving this mail because { $name } could not be read far enough to see whether mail is wanted (emailSetting).
why-all = You are receiving this mail because { $name } says emailSetting = "All", which means a mail after every run. To get fewer mails, write "ErrorAndWarning", "Error" or "None" instead.
why-completion = You are receiving this mail because { $name } says emailSetting = "JobCompletion", which means a short mail after every run. To have failures and warnings listed, write "All" instead; to get no mail, write "None".
why-error-and-warning = You are receiving this mail because { $name } says emailSetting = "ErrorAndWarning", which means a mail when something failed or there are warnings. To get fewer mails, write "Error" or "None" instead; to get more, write "All".
why-error = You are receiving this mail because { $name } says emailSetting = "Error", which means a mail when something failed. To get no mail, write "None" instead; to get more, write "ErrorAndWarning" or "All".
why-none = You are receiving this mail because { $name } says emailSetting = "None", which means no mail.
why-user = It comes to you because the file names userHandle "{ $user }".
why-owner = It comes to you because you dropped the file, or because you look after exports.

# Headings and lists
result = Result
failed = Failed
warnings = Warnings
where = Where
counted = { $what } ({ $total })
more = and { $more } more
more-in-report = and { $more } more, see report.html
more-in-table = and { $more } more, in the table below
finding-place = { $file }, line { $line }
left-out = left out: { $reason }

# Counts
count-listed = Listed
count-exported = Exported
count-identical = of these already there and identical
count-replaced = of these replaced what was there
count-failed = Failed
count-left-out = Left out, see the warnings
count-cancelled = Not done, because stopped
count-warnings = Warnings
count-done = Done
count-left-out-so-far = Left out

# Places and facts
place-files = Files
place-report = Report
place-windows = Windows
fact-about = About
fact-run = Run
fact-took = Took
fact-again = Again
fact-began = Began
fact-as-of = As of
failed-in = what failed in { $run }
seconds = { $seconds } s
minutes = { $minutes } min { $seconds } s
hours = { $hours } h { $minutes } min
bytes = { $bytes } bytes

# The note beside the drop
not-taken = { $name } was not accepted.
note-goes = This note disappears by itself once a corrected { $name } is put into the drop folder.

# Causes

# What stands where a file should, and what a file holds; with article

# Next steps

label-error = error
label-warning = warning
label-help = help

# An asset in a word or two
word-exported = exported
word-replaced = replaced
word-there = already there
word-left-out = left out
word-failed = failed
word-not-done = not done

# What a picture in a mail shows
handed-in = { $name } as it was handed in
as-exported = { $name } as it was exported

# The page of a run
state-new = about to begin
state-running = running
state-stopping = stopping
state-waiting = waiting
state-waiting-assets = waiting for files that are not there yet
state-waiting-space = waiting for free disk space
state-over = done
state-interrupted = interrupted until exportd runs again
state-paused = paused until somebody resumes it
page-done = Done so far
page-progress = { $percent }% done. This page refreshes every { $seconds } seconds.
page-correct = What to correct
page-needs-you = What needs your attention
page-look = What to look at
page-sheet = Contact sheet
page-sheet-about = Originals are on gray, exported files on white; transparent pictures are on half of each.
page-original = the original
page-result = as exported
page-no-original = original not shown
page-as-it-is = copied as it is
page-not-shown = not shown
page-not-exported = not exported
page-recipe = Recipe
page-originals = The originals, byte for byte.
page-nothing-own = As the catalogue and the configuration say; the manifest asks for nothing of its own.
page-holds = Setting
page-said-by = Set by
page-files = All files
page-asset = Asset
page-exported-as = Exported as
link-sums = checksums, to verify a copy
link-programs = for programs
link-spreadsheets = for spreadsheets
link-retry = retries what failed
link-dropped = as it was dropped

# The log of a run
log-began = run { $run } began
log-finding = line { $line }, column { $column }: { $message }
log-step = { $cause }; { $step }
log-exported = exported
log-identical = already there and identical, not written again
log-replaced = replaced what was there
log-cancelled = not done, because the run was stopped
