# Español. Trato de usted. Causas y pasos sin punto final.

outcome-clean = terminado, { PLURAL($files) ->
    [one] { $files } archivo
    [many] { $files } de archivos
   *[other] { $files } archivos
}
outcome-warnings = terminado, { PLURAL($files) ->
    [one] { $files } archivo
    [many] { $files } de archivos
   *[other] { $files } archivos
}, { PLURAL($warnings) ->
    [one] { $warnings } advertencia
    [many] { $warnings } de advertencias
   *[other] { $warnings } advertencias
}
outcome-partial = { PLURAL($failed) ->
    [one] { $failed } de { $total } requiere su atención
   *[other] { $failed } de { $total } requieren su atención
}
outcome-failed = NO exportado (han fallado los { $failed })
outcome-nothing = NO exportado ({ $cause })
outcome-stopped = detenido, { $done } de { $total } hechos

todo-clean = { PLURAL($files) ->
    [one] No hay nada que hacer: el archivo está listo.
    [many] No hay nada que hacer: los { $files } de archivos están listos.
   *[other] No hay nada que hacer: los { $files } archivos están listos.
}
files-ready = { PLURAL($files) ->
    [one] { $files } archivo está listo.
    [many] { $files } de archivos están listos.
   *[other] { $files } archivos están listos.
}
look-below = { PLURAL($warnings) ->
    [one] Revise la advertencia de abajo.
   *[other] Revise las advertencias de abajo.
}
look-in-report = { PLURAL($warnings) ->
    [one] Revise la advertencia en report.json, en la carpeta del informe.
   *[other] Revise las advertencias en report.json, en la carpeta del informe.
}
todo-partial = { PLURAL($failed) ->
    [one] { $failed } de { $total } archivos requiere su atención; los demás están listos.
   *[other] { $failed } de { $total } archivos requieren su atención; los demás están listos.
}
nothing-exported = No se ha exportado nada.
nothing-because = No se ha exportado nada: { $cause }.
step = Qué hacer: { $step }
see-report = El archivo report.json de la carpeta del informe indica qué falla en cada uno.
correct-below = Corrija lo que se indica abajo.
drop-again = Después, vuelva a depositar el manifiesto.
copy-retry = { PLURAL($files) ->
    [one] Después, copie retry-failed.toml de la carpeta del informe a la carpeta de entrada: vuelve a pedir exactamente este archivo.
   *[other] Después, copie retry-failed.toml de la carpeta del informe a la carpeta de entrada: vuelve a pedir exactamente estos archivos.
}
show-operator = Si no puede hacerlo, muestre este mensaje a quien administra exportd.
refused-many = { PLURAL($mistakes) ->
    [many] No se ha exportado nada, porque { $name } tiene { $mistakes } de errores. Corríjalos (todos se muestran abajo) y vuelva a depositar el archivo.
   *[other] No se ha exportado nada, porque { $name } tiene { $mistakes } errores. Corríjalos (todos se muestran abajo) y vuelva a depositar el archivo.
}
refused-one = No se ha exportado nada, porque { $name } tiene un error. Corríjalo (se muestra abajo) y vuelva a depositar el archivo.
refused-in = No se ha exportado nada, porque { $name } tiene un error ({ $cause }). Corríjalo y vuelva a depositar el archivo.
stopped-after = Alguien ha detenido esta exportación después de { $done } de { PLURAL($total) ->
    [one] { $total } archivo
    [many] { $total } de archivos
   *[other] { $total } archivos
}.
stopped-rest = { PLURAL($rest) ->
    [one] Para obtener el archivo restante, vuelva a depositar el manifiesto.
    [many] Para obtener los { $rest } de archivos restantes, vuelva a depositar el manifiesto.
   *[other] Para obtener los { $rest } archivos restantes, vuelva a depositar el manifiesto.
}
stopped-kept = Lo que está hecho se conserva, pero no se ha publicado: «exportd resume { $run }» continúa con el resto, «exportd delete { $run }» lo descarta.
todo-running = Todavía no hay nada que hacer: { PLURAL($done) ->
    [one] { $done } hecho
   *[other] { $done } hechos
} hasta ahora.

why-unread = Recibe este correo porque { $name } no se ha podido leer lo suficiente para saber si se desea correo (emailSetting).
why-all = Recibe este correo porque { $name } indica emailSetting = "All": un correo después de cada ejecución. Para recibir menos, escriba ahí "ErrorAndWarning", "Error" o "None".
why-completion = Recibe este correo porque { $name } indica emailSetting = "JobCompletion": un correo breve después de cada ejecución. Escriba ahí "All" para ver la lista de errores y advertencias, o "None" para no recibir correo.
why-error-and-warning = Recibe este correo porque { $name } indica emailSetting = "ErrorAndWarning": un correo cuando algo falla o hay advertencias. Para recibir menos, escriba ahí "Error" o "None"; para recibir más, "All".
why-error = Recibe este correo porque { $name } indica emailSetting = "Error": un correo cuando algo falla. Para no recibir ninguno, escriba ahí "None"; para recibir más, "ErrorAndWarning" o "All".
why-none = Recibe este correo porque { $name } indica emailSetting = "None": ningún correo.
why-user = Se le envía porque el archivo indica userHandle "{ $user }".
why-owner = Se le envía porque ha depositado el archivo o porque se ocupa de las exportaciones.

result = Resultado
failed = Fallos
warnings = Advertencias
where = Ubicación
counted = { $what } ({ $total })
more = y { $more } más
more-in-report = y { $more } más, consulte report.json
more-in-table = y { $more } más, en la tabla de abajo
finding-place = { $file }, línea { $line }
left-out = omitido: { $reason }

count-listed = En la lista
count-exported = Exportados
count-identical = de ellos, ya existentes e idénticos
count-replaced = de ellos, reemplazos
count-failed = Fallos
count-left-out = Omitidos, véanse las advertencias
count-cancelled = No hechos, por la detención
count-warnings = Advertencias
count-done = Hechos
count-left-out-so-far = Omitidos

place-files = Archivos
place-report = Informe
place-windows = Windows
fact-about = Asunto
fact-run = Ejecución
fact-took = Duración
fact-again = Reintento
fact-began = Inicio
fact-as-of = Estado a
failed-in = lo que falló en { $run }
seconds = { $seconds } s
minutes = { $minutes } min { $seconds } s
hours = { $hours } h { $minutes } min
bytes = { PLURAL($bytes) ->
    [one] { $bytes } byte
    [many] { $bytes } de bytes
   *[other] { $bytes } bytes
}

not-taken = { $name } no se ha aceptado.
note-goes = Esta nota desaparecerá por sí sola en cuanto se deposite un { $name } que se pueda aceptar.

cause-not-found = no hay ningún archivo ni entrada de catálogo con ese nombre en las carpetas de recursos
cause-nothing-matches = nada en las carpetas de recursos coincide con ese patrón
cause-ambiguous = varios archivos llevan ese nombre: { $files }
cause-outside = el nombre lleva fuera de la carpeta de recursos
cause-not-a-file = eso es { $what }, no un archivo
cause-unreadable = el servicio de exportación no tiene permiso para leer el archivo
cause-keeps-changing = el archivo no dejó de cambiar mientras se leía
cause-mismatch = según su nombre, el archivo debería ser { $named }, pero contiene { $found }
cause-damaged = la imagen está dañada: { $detail }
cause-too-large = la imagen es demasiado grande: { $width } × { $height } píxeles; máximo permitido: { $limit }
cause-unsupported = este tipo de imagen no se puede leer: { $detail }
cause-page = página { $page }: { $cause }
cause-out-of-memory = la imagen necesita más memoria de la que puede usar un proceso de trabajo ({ $limit })
cause-too-slow = la imagen ha tardado más de { $seconds } s
cause-worker-died = la imagen ha hecho fallar su proceso de trabajo ({ $how })
cause-collision = su archivo de salida { $name } sería también el de { $others }
cause-bad-name = su nombre de salida { $name } no se puede usar: { $reason }
cause-exists = en el destino ya existe { $name } con otro contenido
cause-disk-full = el disco de la carpeta de salida está lleno
cause-blocked = la carpeta de salida no se puede usar: { $detail }
cause-not-writable = el archivo de salida no se puede escribir: { $detail }
cause-refused = línea { $line }: { $message }
cause-nothing-exportable = nada de la lista se puede exportar
cause-poison = el trabajo no se pudo terminar en { $attempts } intentos
cause-internal = el servicio de exportación ha tenido un problema propio: { $detail }

thing-picture = una imagen { $format }
thing-drawing = un dibujo { $format }
thing-document = un documento { $format }
thing-any-picture = una imagen
thing-folder = una carpeta
thing-pipe = una tubería con nombre
thing-socket = un socket
thing-device = un dispositivo
thing-socket-or-device = un socket o un dispositivo
thing-else = otra cosa
thing-empty = nada (archivo vacío)
thing-zip = un archivo comprimido ZIP
thing-raw = una imagen en bruto de cámara
thing-video = un vídeo
thing-icon = un icono de Windows
thing-text = texto
thing-zeroes = solo bytes nulos
thing-web-page = una página web
detail-denied = permiso denegado
detail-read-only = el disco es de solo lectura
detail-gone = la carpeta ya no está
detail-disk-errors = el disco comunica errores

step-did-you-mean = ¿quiso decir «{ $near }»? Si no, ponga ahí el archivo y vuelva a intentarlo
step-put-there = ponga el archivo en la carpeta de recursos o corrija el nombre
step-pattern = corrija el patrón o ponga ahí los archivos
step-extension = escriba el nombre con su extensión
step-below = indique el archivo por su ruta dentro de la carpeta de recursos
step-name-a-file = indique un archivo
step-right = pida al administrador que dé al servicio permiso para leerlo
step-wait-complete = espere a que el archivo esté completo y vuelva a intentarlo
step-format = guárdelo de nuevo en el formato de su nombre o cámbiele el nombre según su contenido
step-save-again = ábrala en un editor de imágenes, guárdela de nuevo y vuelva a intentarlo
step-reduce = reduzca la imagen o pida un límite mayor
step-other-format = guárdela como TIFF, PNG o JPEG y vuelva a intentarlo
step-modifiers = corrija los modificadores y vuelva a intentarlo
step-memory = reduzca la imagen o pida al administrador más memoria por proceso de trabajo
step-probably-damaged = es probable que el archivo esté dañado: guárdelo de nuevo en un editor de imágenes y vuelva a intentarlo
step-tell-apart = distíngalos con outputName, por ejemplo { $example }
step-output-name = cambie outputName o el nombre del archivo
step-overwrite = ponga overwrite = true o elija otro destino
step-free-space = libere espacio en el disco de salida y vuelva a intentarlo
step-output-folder = pida al administrador que revise la carpeta de salida
step-manifest = corrija el manifiesto y vuelva a depositarlo
step-list-pictures = ponga en la lista imágenes u otros archivos individuales
step-tell-operator = avise al administrador; los detalles están en el registro del servicio

word-exported = exportado
word-replaced = reemplazado
word-there = ya existía
word-left-out = omitido
word-failed = fallo
word-not-done = no hecho

handed-in = { $name }, tal como se entregó
as-exported = { $name }, tal como se exportó

state-new = a punto de empezar
state-running = en curso
state-stopping = deteniéndose
state-waiting = en espera
state-waiting-assets = en espera de archivos que aún no están
state-waiting-space = en espera de espacio en un disco
state-over = terminado
state-interrupted = interrumpido hasta que exportd vuelva a funcionar
state-paused = en pausa hasta que alguien lo reanude
page-done = Hecho hasta ahora
page-progress = { $percent } % hecho. { PLURAL($seconds) ->
    [one] Esta página se actualiza cada segundo.
   *[other] Esta página se actualiza cada { $seconds } segundos.
}
page-correct = Qué corregir
page-needs-you = Lo que requiere su atención
page-look = Qué revisar
page-sheet = Hoja de contactos
page-sheet-about = Sobre gris, el original; sobre blanco, lo exportado. Lo transparente muestra ambos.
page-original = el original
page-result = tal como se exportó
page-no-original = original no mostrado
page-as-it-is = copiado sin cambios
page-not-shown = no mostrado
page-not-exported = no exportado
page-recipe = Receta
page-originals = Los originales, byte a byte.
page-nothing-own = Según el catálogo y la configuración; el manifiesto no pide nada propio.
page-holds = Lo que se aplica
page-said-by = Indicado por
page-files = Todos los archivos
page-asset = Recurso
page-exported-as = Exportado como
link-sums = demuestra que una copia está completa
link-programs = para programas
link-spreadsheets = para hojas de cálculo
link-retry = vuelve a pedir lo que falló
link-dropped = tal como se depositó

log-began = la ejecución { $run } ha empezado
log-finding = línea { $line }, columna { $column }: { $message }
log-step = { $cause }; { $step }
log-exported = exportado
log-identical = ya existía y es idéntico, no se ha vuelto a escribir
log-replaced = ha reemplazado lo que había
log-cancelled = no hecho, porque la ejecución se detuvo
