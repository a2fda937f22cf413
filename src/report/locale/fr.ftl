# Français. Vouvoiement. Causes et étapes sans point final. Espaces insécables devant : ; ? ! et dans « ».

outcome-clean = terminé, { PLURAL($files) ->
    [one] { $files } fichier
    [many] { $files } de fichiers
   *[other] { $files } fichiers
}
outcome-warnings = terminé, { PLURAL($files) ->
    [one] { $files } fichier
    [many] { $files } de fichiers
   *[other] { $files } fichiers
}, { PLURAL($warnings) ->
    [one] { $warnings } avertissement
    [many] { $warnings } d’avertissements
   *[other] { $warnings } avertissements
}
outcome-partial = { PLURAL($failed) ->
    [one] { $failed } sur { $total } demande votre attention
   *[other] { $failed } sur { $total } demandent votre attention
}
outcome-failed = { PLURAL($failed) ->
    [one] NON exporté ({ $failed } échec)
   *[other] NON exporté (échec des { $failed })
}
outcome-nothing = NON exporté ({ $cause })
outcome-stopped = { PLURAL($done) ->
    [one] arrêté, { $done } sur { $total } traité
   *[other] arrêté, { $done } sur { $total } traités
}

todo-clean = { PLURAL($files) ->
    [one] Rien à faire : le fichier est prêt.
    [many] Rien à faire : les { $files } de fichiers sont prêts.
   *[other] Rien à faire : les { $files } fichiers sont prêts.
}
files-ready = { PLURAL($files) ->
    [one] { $files } fichier est prêt.
    [many] { $files } de fichiers sont prêts.
   *[other] { $files } fichiers sont prêts.
}
look-below = { PLURAL($warnings) ->
    [one] Veuillez lire l’avertissement ci-dessous.
   *[other] Veuillez lire les avertissements ci-dessous.
}
look-in-report = { PLURAL($warnings) ->
    [one] Veuillez lire l’avertissement dans report.html, dans le dossier du rapport.
   *[other] Veuillez lire les avertissements dans report.html, dans le dossier du rapport.
}
todo-partial = { PLURAL($failed) ->
    [one] { $failed } fichier sur { $total } demande votre attention ; tout ce qui pouvait être exporté par ailleurs est prêt.
    [many] { $failed } de fichiers sur { $total } demandent votre attention ; tout ce qui pouvait être exporté par ailleurs est prêt.
   *[other] { $failed } fichiers sur { $total } demandent votre attention ; tout ce qui pouvait être exporté par ailleurs est prêt.
}
nothing-exported = Rien n’a été exporté.
nothing-because = Rien n’a été exporté : { $cause }.
step = À faire : { $step }
see-report = Le fichier report.html, dans le dossier du rapport, indique ce qui ne va pas pour chaque fichier.
correct-below = Corrigez ce qui est indiqué ci-dessous.
drop-again = Déposez ensuite de nouveau le manifeste.
copy-retry = { PLURAL($files) ->
    [one] Copiez ensuite retry-failed.toml du dossier du rapport dans le dossier de dépôt : il redemande exactement ce fichier. Si un nom ou un réglage était erroné, corrigez-le d’abord dans retry-failed.toml.
   *[other] Copiez ensuite retry-failed.toml du dossier du rapport dans le dossier de dépôt : il redemande exactement ces fichiers. Si un nom ou un réglage était erroné, corrigez-le d’abord dans retry-failed.toml.
}
show-operator = Si vous n’êtes pas responsable d’exportd, transmettez ce message à la personne qui l’est.
refused-many = { PLURAL($mistakes) ->
    [many] Rien n’a été exporté, car { $name } contient { $mistakes } d’erreurs. Corrigez-les (elles sont toutes indiquées ci-dessous) et déposez de nouveau le fichier.
   *[other] Rien n’a été exporté, car { $name } contient { $mistakes } erreurs. Corrigez-les (elles sont toutes indiquées ci-dessous) et déposez de nouveau le fichier.
}
refused-one = Rien n’a été exporté, car { $name } contient une erreur. Corrigez-la (elle est indiquée ci-dessous) et déposez de nouveau le fichier.
refused-in = Rien n’a été exporté, car { $name } contient une erreur ({ $cause }). Corrigez-la et déposez de nouveau le fichier.
stopped-after = Quelqu’un a arrêté cet export après { $done } sur { PLURAL($total) ->
    [one] { $total } fichier
    [many] { $total } de fichiers
   *[other] { $total } fichiers
}.
stopped-rest = { PLURAL($rest) ->
    [one] Pour obtenir le fichier restant, déposez de nouveau le manifeste.
    [many] Pour obtenir les { $rest } de fichiers restants, déposez de nouveau le manifeste.
   *[other] Pour obtenir les { $rest } fichiers restants, déposez de nouveau le manifeste.
}
stopped-kept = Ce qui est terminé est conservé, mais pas livré. Demandez à la personne responsable d’exportd de reprendre la suite (exportd resume { $run }) ou de tout abandonner (exportd delete { $run }).
todo-running = Rien à faire pour l’instant : { PLURAL($done) ->
    [one] { $done } traité
   *[other] { $done } traités
} jusqu’ici.

why-unread = Vous recevez ce message car { $name } n’a pas pu être lu assez loin pour savoir si un message est souhaité (emailSetting).
why-all = Vous recevez ce message car { $name } indique emailSetting = "All" : un message après chaque exécution. Pour en recevoir moins, écrivez-y "ErrorAndWarning", "Error" ou "None".
why-completion = Vous recevez ce message car { $name } indique emailSetting = "JobCompletion" : un court message après chaque exécution. Écrivez-y "All" pour obtenir la liste des échecs et des avertissements, ou "None" pour ne recevoir aucun message.
why-error-and-warning = Vous recevez ce message car { $name } indique emailSetting = "ErrorAndWarning" : un message en cas d’échec ou d’avertissement. Pour en recevoir moins, écrivez-y "Error" ou "None", pour en recevoir plus, "All".
why-error = Vous recevez ce message car { $name } indique emailSetting = "Error" : un message en cas d’échec. Pour n’en recevoir aucun, écrivez-y "None", pour en recevoir plus, "ErrorAndWarning" ou "All".
why-none = Vous recevez ce message car { $name } indique emailSetting = "None" : aucun message.
why-user = Il vous est adressé car le fichier indique userHandle "{ $user }".
why-owner = Il vous est adressé car vous avez déposé le fichier, ou car vous êtes responsable des exports.

result = Résultat
failed = Échecs
warnings = Avertissements
where = Emplacements
counted = { $what } ({ $total })
more = { PLURAL($more) ->
    [one] et { $more } autre
    [many] et { $more } d’autres
   *[other] et { $more } autres
}
more-in-report = { PLURAL($more) ->
    [one] et { $more } autre, voir report.html
    [many] et { $more } d’autres, voir report.html
   *[other] et { $more } autres, voir report.html
}
more-in-table = { PLURAL($more) ->
    [one] et { $more } autre, dans le tableau ci-dessous
    [many] et { $more } d’autres, dans le tableau ci-dessous
   *[other] et { $more } autres, dans le tableau ci-dessous
}
finding-place = { $file }, ligne { $line }
left-out = laissé de côté : { $reason }

count-listed = Demandés
count-exported = Exportés
count-identical = dont déjà présents et identiques
count-replaced = dont remplacements
count-failed = Échecs
count-left-out = Laissés de côté, voir avertissements
count-cancelled = Non traités, à cause de l’arrêt
count-warnings = Avertissements
count-done = Traités
count-left-out-so-far = Laissés de côté

place-files = Fichiers
place-report = Rapport
place-windows = Windows
fact-about = Objet
fact-run = Exécution
fact-took = Durée
fact-again = Reprise
fact-began = Début
fact-as-of = État au
failed-in = ce qui a échoué dans { $run }
seconds = { $seconds } s
minutes = { $minutes } min { $seconds } s
hours = { $hours } h { $minutes } min
bytes = { PLURAL($bytes) ->
    [one] { $bytes } octet
    [many] { $bytes } d’octets
   *[other] { $bytes } octets
}

label-error = erreur
label-warning = avertissement
label-help = aide

not-taken = { $name } n’a pas été accepté.
note-goes = Cette note disparaîtra d’elle-même dès qu’un { $name } acceptable sera déposé.

word-exported = exporté
word-replaced = remplacé
word-there = déjà présent
word-left-out = laissé de côté
word-failed = échec
word-not-done = non traité

handed-in = { $name }, tel que fourni
as-exported = { $name }, tel qu’exporté

state-new = va commencer
state-running = en cours
state-stopping = arrêt en cours
state-waiting = en attente
state-waiting-assets = en attente de fichiers encore absents
state-waiting-space = en attente d’espace sur un disque
state-over = terminé
state-interrupted = interrompu jusqu’à la reprise d’exportd
state-paused = en pause jusqu’à ce que quelqu’un reprenne l’exécution
page-done = Déjà traité
page-progress = { PLURAL($percent) ->
    [one] { $percent } % traité.
   *[other] { $percent } % traités.
} { PLURAL($seconds) ->
    [one] Cette page s’actualise chaque seconde.
   *[other] Cette page s’actualise toutes les { $seconds } secondes.
}
page-correct = À corriger
page-needs-you = Ce qui demande votre attention
page-look = À vérifier
page-sheet = Planche contact
page-sheet-about = Sur gris, l’original ; sur blanc, l’image exportée. Derrière ce qui est transparent, on voit les deux couleurs.
page-original = l’original
page-result = l’image exportée
page-no-original = original non affiché
page-as-it-is = copié tel quel
page-not-shown = non affiché
page-not-exported = non exporté
page-recipe = Recette
page-originals = Les originaux, à l’octet près.
page-nothing-own = Selon le catalogue et la configuration ; le manifeste ne demande rien de particulier.
page-holds = Ce qui s’applique
page-said-by = Indiqué par
page-files = Tous les fichiers
page-asset = Ressource
page-exported-as = Exporté sous
link-sums = prouve qu’une copie est complète
link-programs = pour les programmes
link-spreadsheets = pour les tableurs
link-retry = redemande ce qui a échoué
link-dropped = tel que déposé

log-began = exécution { $run } commencée
log-finding = ligne { $line }, colonne { $column } : { $message }
log-step = { $cause } ; { $step }
log-exported = exporté
log-identical = déjà présent et identique, non réécrit
log-replaced = a remplacé l’existant
log-cancelled = non traité, car l’exécution a été arrêtée
