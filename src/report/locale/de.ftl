# Deutsch. Anrede: Sie. Ursachen und Schritte ohne Punkt am Ende.

outcome-clean = fertig, { $files ->
    [one] { $files } Datei
   *[other] { $files } Dateien
}
outcome-warnings = fertig, { $files ->
    [one] { $files } Datei
   *[other] { $files } Dateien
}, { $warnings ->
    [one] { $warnings } Warnung
   *[other] { $warnings } Warnungen
}
outcome-partial = { $failed ->
    [one] { $failed } von { $total } braucht Ihre Hilfe
   *[other] { $failed } von { $total } brauchen Ihre Hilfe
}
outcome-failed = { $failed ->
    [one] NICHT exportiert ({ $failed } fehlgeschlagen)
   *[other] NICHT exportiert (alle { $failed } fehlgeschlagen)
}
outcome-nothing = NICHT exportiert ({ $cause })
outcome-stopped = angehalten, { $done } von { $total } erledigt

todo-clean = { $files ->
    [one] Nichts zu tun: Die Datei ist fertig.
   *[other] Nichts zu tun: Die { $files } Dateien sind fertig.
}
files-ready = { $files ->
    [one] { $files } Datei ist fertig.
   *[other] { $files } Dateien sind fertig.
}
look-below = { $warnings ->
    [one] Bitte beachten Sie die Warnung unten.
   *[other] Bitte beachten Sie die Warnungen unten.
}
look-in-report = { $warnings ->
    [one] Bitte beachten Sie die Warnung in report.html im Berichtsordner.
   *[other] Bitte beachten Sie die Warnungen in report.html im Berichtsordner.
}
todo-partial = { $failed ->
    [one] { $failed } von { $total } Dateien braucht Ihre Hilfe; alles andere, was exportiert werden konnte, ist fertig.
   *[other] { $failed } von { $total } Dateien brauchen Ihre Hilfe; alles andere, was exportiert werden konnte, ist fertig.
}
nothing-exported = Es wurde nichts exportiert.
nothing-because = Es wurde nichts exportiert: { $cause }.
step = Was zu tun ist: { $step }
see-report = Was jeweils nicht stimmt, steht in report.html im Berichtsordner.
correct-below = Beheben Sie, was unten aufgeführt ist.
drop-again = Legen Sie dann das Manifest erneut in den Eingangsordner.
copy-retry = { $files ->
    [one] Kopieren Sie dann retry-failed.toml aus dem Berichtsordner in den Eingangsordner: Damit wird genau diese Datei erneut angefordert. Wenn ein Name oder eine Einstellung falsch war, korrigieren Sie das zuvor in retry-failed.toml.
   *[other] Kopieren Sie dann retry-failed.toml aus dem Berichtsordner in den Eingangsordner: Damit werden genau diese Dateien erneut angefordert. Wenn ein Name oder eine Einstellung falsch war, korrigieren Sie das zuvor in retry-failed.toml.
}
show-operator = Wenn Sie exportd nicht selbst betreuen, leiten Sie diese Nachricht an die Person weiter, die es tut.
refused-many = Es wurde nichts exportiert, weil { $name } { $mistakes } Fehler enthält. Korrigieren Sie sie – alle sind unten aufgeführt – und legen Sie die Datei erneut in den Eingangsordner.
refused-one = Es wurde nichts exportiert, weil { $name } einen Fehler enthält. Korrigieren Sie ihn – er ist unten aufgeführt – und legen Sie die Datei erneut in den Eingangsordner.
refused-in = Es wurde nichts exportiert, weil in { $name } etwas nicht stimmt ({ $cause }). Korrigieren Sie es und legen Sie die Datei erneut in den Eingangsordner.
stopped-after = Dieser Export wurde nach { $done } von { $total ->
    [one] { $total } Datei
   *[other] { $total } Dateien
} angehalten.
stopped-rest = { $rest ->
    [one] Um die fehlende Datei zu erhalten, legen Sie das Manifest erneut in den Eingangsordner.
   *[other] Um die fehlenden { $rest } Dateien zu erhalten, legen Sie das Manifest erneut in den Eingangsordner.
}
stopped-kept = Was fertig ist, bleibt erhalten, ist aber nicht ausgeliefert. Bitten Sie die Person, die exportd betreut, mit dem Rest weiterzumachen (exportd resume { $run }) oder alles zu verwerfen (exportd delete { $run }).
todo-running = Noch nichts zu tun: bisher { $done } erledigt.

why-unread = Sie erhalten diese Mail, weil { $name } nicht weit genug gelesen werden konnte, um zu erkennen, ob Mails gewünscht sind (emailSetting).
why-all = Sie erhalten diese Mail, weil in { $name } emailSetting = "All" steht: eine Mail nach jedem Lauf. Für weniger Mails schreiben Sie dort "ErrorAndWarning", "Error" oder "None".
why-completion = Sie erhalten diese Mail, weil in { $name } emailSetting = "JobCompletion" steht: eine kurze Mail nach jedem Lauf. Schreiben Sie dort "All", um Fehlgeschlagenes und Warnungen aufgelistet zu bekommen, oder "None", um keine Mails zu erhalten.
why-error-and-warning = Sie erhalten diese Mail, weil in { $name } emailSetting = "ErrorAndWarning" steht: eine Mail, wenn etwas fehlgeschlagen ist oder es Warnungen gibt. Für weniger Mails schreiben Sie dort "Error" oder "None", für mehr "All".
why-error = Sie erhalten diese Mail, weil in { $name } emailSetting = "Error" steht: eine Mail, wenn etwas fehlgeschlagen ist. Um keine Mails zu erhalten, schreiben Sie dort "None", für mehr Mails "ErrorAndWarning" oder "All".
why-none = Sie erhalten diese Mail, weil in { $name } emailSetting = "None" steht: keine Mail.
why-user = Sie geht an Sie, weil die Datei userHandle "{ $user }" nennt.
why-owner = Sie geht an Sie, weil Sie die Datei abgelegt haben oder die Exporte betreuen.

result = Ergebnis
failed = Fehlgeschlagen
warnings = Warnungen
where = Speicherort
counted = { $what } ({ $total })
more = und { $more } weitere
more-in-report = und { $more } weitere, siehe report.html
more-in-table = und { $more } weitere, siehe Tabelle unten
finding-place = { $file }, Zeile { $line }
left-out = ausgelassen: { CAPITAL($reason) }

count-listed = Aufgeführt
count-exported = Exportiert
count-identical = davon schon vorhanden und identisch
count-replaced = davon Vorhandenes ersetzt
count-failed = Fehlgeschlagen
count-left-out = Ausgelassen, siehe Warnungen
count-cancelled = Nicht erledigt, weil angehalten
count-warnings = Warnungen
count-done = Erledigt
count-left-out-so-far = Ausgelassen

place-files = Dateien
place-report = Bericht
place-windows = Windows
fact-about = Beschreibung
fact-run = Lauf
fact-took = Dauer
fact-again = Erneut
fact-began = Beginn
fact-as-of = Stand
failed-in = was in { $run } fehlgeschlagen ist
seconds = { $seconds } s
minutes = { $minutes } min { $seconds } s
hours = { $hours } h { $minutes } min
bytes = { $bytes ->
    [one] { $bytes } Byte
   *[other] { $bytes } Bytes
}

label-error = Fehler
label-warning = Warnung
label-help = Hilfe

not-taken = { $name } wurde nicht angenommen.
note-goes = Diese Notiz verschwindet von selbst, sobald eine { $name } abgelegt wird, die angenommen werden kann.

word-exported = exportiert
word-replaced = ersetzt
word-there = schon vorhanden
word-left-out = ausgelassen
word-failed = fehlgeschlagen
word-not-done = nicht erledigt

handed-in = { $name }, wie eingereicht
as-exported = { $name }, wie exportiert

state-new = beginnt gleich
state-running = läuft
state-stopping = wird angehalten
state-waiting = wartet
state-waiting-assets = wartet auf Dateien, die noch nicht da sind
state-waiting-space = wartet auf Platz auf einem Datenträger
state-over = fertig
state-interrupted = unterbrochen, bis exportd wieder läuft
state-paused = pausiert, bis jemand den Lauf fortsetzt
page-done = Bisher erledigt
page-progress = { $percent } % erledigt. { $seconds ->
    [one] Diese Seite aktualisiert sich jede Sekunde.
   *[other] Diese Seite aktualisiert sich alle { $seconds } Sekunden.
}
page-correct = Was zu korrigieren ist
page-needs-you = Was Ihre Hilfe braucht
page-look = Was zu beachten ist
page-sheet = Kontaktabzug
page-sheet-about = Auf Grau das Original, auf Weiß das exportierte Bild. Hinter Transparentem sind beide Farben zu sehen.
page-original = das Original
page-result = wie exportiert
page-no-original = Original nicht angezeigt
page-as-it-is = unverändert kopiert
page-not-shown = nicht angezeigt
page-not-exported = nicht exportiert
page-recipe = Rezept
page-originals = Die Originale, Byte für Byte.
page-nothing-own = Wie Katalog und Konfiguration es vorgeben; das Manifest verlangt nichts Eigenes.
page-holds = Was gilt
page-said-by = Vorgegeben durch
page-files = Alle Dateien
page-asset = Asset
page-exported-as = Exportiert als
link-sums = belegt, dass eine Kopie vollständig ist
link-programs = für Programme
link-spreadsheets = für Tabellenprogramme
link-retry = fordert Fehlgeschlagenes erneut an
link-dropped = wie abgelegt

log-began = Lauf { $run } hat begonnen
log-finding = Zeile { $line }, Spalte { $column }: { CAPITAL($message) }
log-step = { $cause }; { $step }
log-exported = exportiert
log-identical = schon vorhanden und identisch, nicht noch einmal geschrieben
log-replaced = Vorhandenes ersetzt
log-cancelled = nicht erledigt, weil der Lauf angehalten wurde
