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
outcome-failed = NICHT exportiert (alle { $failed } fehlgeschlagen)
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
    [one] Bitte beachten Sie die Warnung in report.json im Berichtsordner.
   *[other] Bitte beachten Sie die Warnungen in report.json im Berichtsordner.
}
todo-partial = { $failed ->
    [one] { $failed } von { $total } Dateien braucht Ihre Hilfe; die übrigen sind fertig.
   *[other] { $failed } von { $total } Dateien brauchen Ihre Hilfe; die übrigen sind fertig.
}
nothing-exported = Es wurde nichts exportiert.
nothing-because = Es wurde nichts exportiert: { $cause }.
step = Was zu tun ist: { $step }
see-report = Was jeweils nicht stimmt, steht in report.json im Berichtsordner.
correct-below = Beheben Sie, was unten aufgeführt ist.
drop-again = Legen Sie dann das Manifest erneut in den Eingangsordner.
copy-retry = { $files ->
    [one] Kopieren Sie dann retry-failed.toml aus dem Berichtsordner in den Eingangsordner: Damit wird genau diese Datei erneut angefordert.
   *[other] Kopieren Sie dann retry-failed.toml aus dem Berichtsordner in den Eingangsordner: Damit werden genau diese Dateien erneut angefordert.
}
show-operator = Wenn Sie das nicht selbst können, zeigen Sie diese Nachricht der Person, die exportd betreut.
refused-many = Es wurde nichts exportiert, weil { $name } { $mistakes } Fehler enthält. Korrigieren Sie sie – alle sind unten gezeigt – und legen Sie die Datei erneut in den Eingangsordner.
refused-one = Es wurde nichts exportiert, weil { $name } einen Fehler enthält. Korrigieren Sie ihn – er ist unten gezeigt – und legen Sie die Datei erneut in den Eingangsordner.
refused-in = Es wurde nichts exportiert, weil in { $name } etwas nicht stimmt ({ $cause }). Korrigieren Sie es und legen Sie die Datei erneut in den Eingangsordner.
stopped-after = Dieser Export wurde nach { $done } von { $total ->
    [one] { $total } Datei
   *[other] { $total } Dateien
} angehalten.
stopped-rest = { $rest ->
    [one] Um die fehlende Datei zu erhalten, legen Sie das Manifest erneut in den Eingangsordner.
   *[other] Um die fehlenden { $rest } Dateien zu erhalten, legen Sie das Manifest erneut in den Eingangsordner.
}
stopped-kept = Was fertig ist, bleibt aufgehoben, ist aber nicht veröffentlicht: „exportd resume { $run }“ macht mit dem Rest weiter, „exportd delete { $run }“ verwirft es.
todo-running = Noch nichts zu tun: { $done } bisher erledigt.

why-unread = Sie erhalten diese Mail, weil { $name } nicht weit genug gelesen werden konnte, um zu erkennen, ob Mail gewünscht ist (emailSetting).
why-all = Sie erhalten diese Mail, weil in { $name } emailSetting = "All" steht: eine Mail nach jedem Lauf. Für weniger Mail schreiben Sie dort "ErrorAndWarning", "Error" oder "None".
why-completion = Sie erhalten diese Mail, weil in { $name } emailSetting = "JobCompletion" steht: eine kurze Mail nach jedem Lauf. Schreiben Sie dort "All", um Fehler und Warnungen aufgelistet zu bekommen, oder "None" für keine Mail.
why-error-and-warning = Sie erhalten diese Mail, weil in { $name } emailSetting = "ErrorAndWarning" steht: eine Mail, wenn etwas fehlgeschlagen ist oder es Warnungen gibt. Für weniger Mail schreiben Sie dort "Error" oder "None", für mehr "All".
why-error = Sie erhalten diese Mail, weil in { $name } emailSetting = "Error" steht: eine Mail, wenn etwas fehlgeschlagen ist. Für keine Mail schreiben Sie dort "None", für mehr "ErrorAndWarning" oder "All".
why-none = Sie erhalten diese Mail, weil in { $name } emailSetting = "None" steht: keine Mail.
why-user = Sie geht an Sie, weil die Datei userHandle "{ $user }" nennt.
why-owner = Sie geht an Sie, weil Sie die Datei abgelegt haben oder die Exporte betreuen.

result = Ergebnis
failed = Fehlgeschlagen
warnings = Warnungen
where = Wo
counted = { $what } ({ $total })
more = und { $more } weitere
more-in-report = und { $more } weitere, siehe report.json
more-in-table = und { $more } weitere, siehe Tabelle unten
finding-place = { $file }, Zeile { $line }
left-out = ausgelassen: { $reason }

count-listed = Aufgeführt
count-exported = Exportiert
count-identical = davon schon vorhanden und gleich
count-replaced = davon Vorhandenes ersetzt
count-failed = Fehlgeschlagen
count-left-out = Ausgelassen, siehe Warnungen
count-cancelled = Wegen Anhaltens nicht erledigt
count-warnings = Warnungen
count-done = Erledigt
count-left-out-so-far = Ausgelassen

place-files = Dateien
place-report = Bericht
place-windows = Windows
fact-about = Über
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

not-taken = { $name } wurde nicht angenommen.
note-goes = Diese Notiz verschwindet von selbst, sobald eine { $name } abgelegt wird, die angenommen werden kann.

cause-not-found = in den Asset-Ordnern gibt es weder eine Datei noch einen Katalogeintrag mit diesem Namen
cause-nothing-matches = nichts in den Asset-Ordnern passt zu diesem Muster
cause-ambiguous = mehrere Dateien tragen diesen Namen: { $files }
cause-outside = der Name führt aus dem Asset-Ordner heraus
cause-not-a-file = das ist { $what }, keine Datei
cause-unreadable = der Exportdienst darf die Datei nicht lesen
cause-keeps-changing = die Datei hat sich beim Lesen immer wieder geändert
cause-mismatch = dem Namen nach sollte die Datei { $named } sein, enthält aber { $found }
cause-damaged = das Bild ist beschädigt: { $detail }
cause-too-large = das Bild ist zu groß: { $width } × { $height } Pixel, erlaubt: { $limit }
cause-unsupported = diese Art von Bild kann nicht gelesen werden: { $detail }
cause-page = Seite { $page }: { $cause }
cause-out-of-memory = das Bild braucht mehr Speicher, als ein Arbeitsprozess nutzen darf ({ $limit })
cause-too-slow = das Bild hat länger als { $seconds } s gebraucht
cause-worker-died = das Bild hat seinen Arbeitsprozess abstürzen lassen ({ $how })
cause-collision = seine Ausgabe { $name } wäre auch die Ausgabe von { $others }
cause-bad-name = sein Ausgabename { $name } ist nicht verwendbar: { $reason }
cause-exists = am Ziel gibt es schon { $name } mit anderem Inhalt
cause-disk-full = der Datenträger des Ausgabeordners ist voll
cause-blocked = der Ausgabeordner ist nicht verwendbar: { $detail }
cause-not-writable = die Ausgabe kann nicht geschrieben werden: { $detail }
cause-refused = Zeile { $line }: { $message }
cause-nothing-exportable = nichts in der Liste kann exportiert werden
cause-poison = der Auftrag konnte in { $attempts } Versuchen nicht abgeschlossen werden
cause-internal = im Exportdienst selbst ist ein Problem aufgetreten: { $detail }

thing-picture = ein Bild im Format { $format }
thing-drawing = eine Zeichnung im Format { $format }
thing-document = ein Dokument im Format { $format }
thing-any-picture = ein Bild
thing-folder = ein Ordner
thing-pipe = eine benannte Pipe
thing-socket = ein Socket
thing-device = ein Gerät
thing-socket-or-device = ein Socket oder ein Gerät
thing-else = etwas anderes
thing-empty = nichts (leere Datei)
thing-zip = ein ZIP-Archiv
thing-raw = Kamera-Rohdaten
thing-video = ein Video
thing-icon = ein Windows-Symbol
thing-text = Text
thing-zeroes = nur Nullbytes
thing-web-page = eine Webseite
detail-denied = Zugriff verweigert
detail-read-only = Der Datenträger ist schreibgeschützt
detail-gone = Der Ordner ist nicht mehr da
detail-disk-errors = Der Datenträger meldet Fehler

step-did-you-mean = meinten Sie „{ $near }“? Andernfalls legen Sie die Datei dort ab und versuchen Sie es erneut
step-put-there = legen Sie die Datei in den Asset-Ordner oder korrigieren Sie den Namen
step-pattern = korrigieren Sie das Muster oder legen Sie die Dateien dort ab
step-extension = schreiben Sie den Namen mit seiner Endung
step-below = nennen Sie die Datei mit ihrem Pfad unterhalb des Asset-Ordners
step-name-a-file = nennen Sie eine Datei
step-right = bitten Sie den Betreiber, dem Dienst das Leserecht dafür zu geben
step-wait-complete = warten Sie, bis die Datei vollständig ist, und versuchen Sie es erneut
step-format = speichern Sie sie erneut in dem Format, das ihr Name nennt, oder benennen Sie sie nach ihrem Inhalt um
step-save-again = öffnen Sie es in einem Bildeditor, speichern Sie es neu und versuchen Sie es erneut
step-reduce = verkleinern Sie das Bild oder bitten Sie um eine höhere Grenze
step-other-format = speichern Sie es als TIFF, PNG oder JPEG und versuchen Sie es erneut
step-modifiers = korrigieren Sie die Modifier und versuchen Sie es erneut
step-memory = verkleinern Sie das Bild oder bitten Sie den Betreiber um mehr Speicher je Arbeitsprozess
step-probably-damaged = die Datei ist wahrscheinlich beschädigt: Speichern Sie sie in einem Bildeditor neu und versuchen Sie es erneut
step-tell-apart = unterscheiden Sie sie mit outputName, zum Beispiel { $example }
step-output-name = ändern Sie outputName oder den Namen der Datei
step-overwrite = setzen Sie overwrite = true oder wählen Sie ein anderes Ziel
step-free-space = schaffen Sie Platz auf dem Datenträger der Ausgabe und versuchen Sie es erneut
step-output-folder = bitten Sie den Betreiber, sich den Ausgabeordner anzusehen
step-manifest = korrigieren Sie das Manifest und legen Sie es erneut in den Eingangsordner
step-list-pictures = führen Sie Bilder oder andere einzelne Dateien auf
step-tell-operator = sagen Sie dem Betreiber Bescheid; Einzelheiten stehen im Protokoll des Dienstes

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
state-paused = angehalten, bis jemand es fortsetzt
page-done = Bisher erledigt
page-progress = { $percent } % erledigt. { $seconds ->
    [one] Diese Seite aktualisiert sich jede Sekunde.
   *[other] Diese Seite aktualisiert sich alle { $seconds } Sekunden.
}
page-correct = Was zu korrigieren ist
page-needs-you = Was Ihre Hilfe braucht
page-look = Was zu beachten ist
page-sheet = Kontaktabzug
page-sheet-about = Auf Grau das Original, auf Weiß das exportierte Bild. Transparentes zeigt beides.
page-original = das Original
page-result = wie exportiert
page-no-original = Original nicht gezeigt
page-as-it-is = unverändert kopiert
page-not-shown = nicht gezeigt
page-not-exported = nicht exportiert
page-recipe = Rezept
page-originals = Die Originale, Byte für Byte.
page-nothing-own = Wie Katalog und Konfiguration es vorgeben; das Manifest verlangt nichts Eigenes.
page-holds = Was gilt
page-said-by = Vorgegeben von
page-files = Alle Dateien
page-asset = Asset
page-exported-as = Exportiert als
link-sums = belegt, dass eine Kopie vollständig ist
link-programs = für Programme
link-spreadsheets = für Tabellenprogramme
link-retry = fordert Fehlgeschlagenes erneut an
link-dropped = wie abgelegt

log-began = Lauf { $run } hat begonnen
log-finding = Zeile { $line }, Spalte { $column }: { $message }
log-step = { $cause }; { $step }
log-exported = exportiert
log-identical = schon vorhanden und gleich, nicht noch einmal geschrieben
log-replaced = Vorhandenes ersetzt
log-cancelled = nicht erledigt, weil der Lauf angehalten wurde
