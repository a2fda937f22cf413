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
outcome-failed = { PLURAL($failed) ->
    [one] NO exportado ({ $failed } fallo)
   *[other] NO exportado (han fallado los { $failed })
}
outcome-nothing = NO exportado ({ $cause })
outcome-stopped = { PLURAL($done) ->
    [one] detenido, { $done } de { $total } procesado
   *[other] detenido, { $done } de { $total } procesados
}

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
    [one] Revise la advertencia en report.html, en la carpeta del informe.
   *[other] Revise las advertencias en report.html, en la carpeta del informe.
}
todo-partial = { PLURAL($failed) ->
    [one] { $failed } de { $total } archivos requiere su atención; todo lo demás que se pudo exportar está listo.
   *[other] { $failed } de { $total } archivos requieren su atención; todo lo demás que se pudo exportar está listo.
}
nothing-exported = No se ha exportado nada.
nothing-because = No se ha exportado nada: { $cause }.
step = Qué hacer: { $step }
see-report = El archivo report.html de la carpeta del informe indica qué falla en cada archivo.
correct-below = Corrija lo que se indica abajo.
drop-again = Después, vuelva a depositar el manifiesto.
copy-retry = { PLURAL($files) ->
    [one] Después, copie retry-failed.toml de la carpeta del informe a la carpeta de entrada: vuelve a pedir exactamente este archivo. Si un nombre o un ajuste era incorrecto, corríjalo antes en retry-failed.toml.
   *[other] Después, copie retry-failed.toml de la carpeta del informe a la carpeta de entrada: vuelve a pedir exactamente estos archivos. Si un nombre o un ajuste era incorrecto, corríjalo antes en retry-failed.toml.
}
show-operator = Si no administra usted exportd, reenvíe este mensaje a quien lo hace.
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
stopped-kept = Lo que está hecho se conserva, pero no se ha entregado. Pida a quien administra exportd que continúe con el resto (exportd resume { $run }) o que lo descarte todo (exportd delete { $run }).
todo-running = Todavía no hay nada que hacer: { PLURAL($done) ->
    [one] { $done } procesado
   *[other] { $done } procesados
} hasta ahora.

why-unread = Recibe este correo porque { $name } no se ha podido leer lo suficiente para saber si se desea correo (emailSetting).
why-all = Recibe este correo porque { $name } indica emailSetting = "All": un correo después de cada ejecución. Para recibir menos, escriba ahí "ErrorAndWarning", "Error" o "None".
why-completion = Recibe este correo porque { $name } indica emailSetting = "JobCompletion": un correo breve después de cada ejecución. Escriba ahí "All" para ver la lista de fallos y advertencias, o "None" para no recibir correo.
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
more-in-report = y { $more } más, consulte report.html
more-in-table = y { $more } más, en la tabla de abajo
finding-place = { $file }, línea { $line }
left-out = omitido: { $reason }

count-listed = En la lista
count-exported = Exportados
count-identical = de ellos, ya existentes e idénticos
count-replaced = de ellos, reemplazos
count-failed = Fallos
count-left-out = Omitidos, véanse las advertencias
count-cancelled = No procesados, a causa de la detención
count-warnings = Advertencias
count-done = Procesados
count-left-out-so-far = Omitidos

place-files = Archivos
place-report = Informe
place-windows = Windows
fact-about = Asunto
fact-run = Ejecución
fact-took = Duración
fact-again = Reintento
fact-began = Inicio
fact-as-of = A fecha de
failed-in = lo que falló en { $run }
seconds = { $seconds } s
minutes = { $minutes } min { $seconds } s
hours = { $hours } h { $minutes } min
bytes = { PLURAL($bytes) ->
    [one] { $bytes } byte
    [many] { $bytes } de bytes
   *[other] { $bytes } bytes
}

label-error = error
label-warning = advertencia
label-help = ayuda

not-taken = { $name } no se ha aceptado.
note-goes = Esta nota desaparecerá por sí sola en cuanto se deposite un { $name } que se pueda aceptar.

word-exported = exportado
word-replaced = reemplazado
word-there = ya existía
word-left-out = omitido
word-failed = fallo
word-not-done = no procesado

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
state-paused = en pausa hasta que alguien reanude la ejecución
page-done = Procesado hasta ahora
page-progress = { $percent } % procesado. { PLURAL($seconds) ->
    [one] Esta página se actualiza cada segundo.
   *[other] Esta página se actualiza cada { $seconds } segundos.
}
page-correct = Qué corregir
page-needs-you = Lo que requiere su atención
page-look = Qué revisar
page-sheet = Hoja de contactos
page-sheet-about = Sobre gris, el original; sobre blanco, lo exportado. Detrás de lo transparente se ven los dos colores.
page-original = el original
page-result = tal como se exportó
page-no-original = original no mostrado
page-as-it-is = copiado sin cambios
page-not-shown = no mostrado
page-not-exported = no exportado
page-recipe = Receta
page-originals = Los originales, byte a byte.
page-nothing-own = Según el catálogo y la configuración; el manifiesto no pide nada particular.
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
log-cancelled = no procesado, porque la ejecución se detuvo
