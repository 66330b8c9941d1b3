//! The word list that all generated text is made of.

/// Common English words; the first ones are drawn more often, as in any language.
pub(crate) const WORDS: &str = "\
the of and to in is for on with that this from by as at be are was will can may must account \
address agent amount answer archive area argument article audit balance batch bill board \
branch budget buffer button cable cache call camera capacity card carrier case center chain \
chance change channel chapter charge check circuit city claim class client clinic clock cloud \
code color column comment company condition contract control copy corner cost council country \
course cover credit crew customer cycle damage data date deal debate decision degree delay \
delivery demand department deposit design desk detail device diagram dialogue difference \
dinner direction discount disk display distance district doctor document door draft driver \
duty edge editor effect effort element email employee engine entry error estimate event \
evidence example exchange exit expert export factor failure farm feature fee field figure file \
filter finding fire flight floor flow folder forecast form format forum frame freight friend \
fuel function garden gate glass goal grain graph ground group growth guest guide harbor health \
heat height history holiday hospital hotel hour house image impact import income index \
industry inquiry insurance interest invoice island issue item job journal journey judge key \
kitchen label lake language law layer leader lease ledger lesson letter level library license \
limit line link list loan local lock log machine magazine mail manager map margin market \
material matter meaning measure meeting member memory message meter method middle minute \
mirror mission model moment money month morning motor mountain museum name nature network news \
night noise note notice number object office officer operation opinion option order origin \
output owner package page paper parcel part partner passage patient pattern payment people \
period permit person phone photo picture piece place plan plant platform player point policy \
port position power practice price printer problem process product profile profit program \
project proof property proposal protocol purpose quality quarter question queue range rate \
reader reason receipt record reform refund region register release remark rent repair reply \
report request reserve resource response result review reward river road role room route rule \
safety salary sample scale schedule school science score screen search season section sector \
segment sensor series server service session setting share shelf shift ship shop signal site \
sketch skill society source space speed square staff stage standard station statement status \
step stock storage store story street student study subject summary supply support surface \
survey switch system table target tariff task team term test text theory thread ticket time \
title token tool topic total tower town trace track trade traffic train transfer travel \
treatment trend trial truck trust unit update usage user value vehicle version view village \
vision visit voice volume wage wall warehouse warning water way week weight window winter \
witness word work year zone accept add apply arrive ask assign avoid begin believe book bring \
build buy carry choose clean close collect compare complete confirm connect consider continue \
convert correct count create cut deliver describe develop discuss draw drive drop enter \
explain find finish follow forget gather give grow handle happen help hold improve include \
increase inform inspect join keep know learn leave lend listen look lose make manage mention \
move need offer open organize pack pass pay prepare prevent produce protect prove provide \
publish pull push raise read receive reduce refuse remain remember remove repeat replace \
require resolve return run save say sell send separate serve show sign sort speak spend start \
stay stop suggest take teach tell think translate try turn understand use verify wait walk \
want watch write able active annual available basic better bright broken busy careful certain \
cheap clear cold common complex current daily deep different digital direct double dry early \
easy electric empty equal exact extra fair famous fast final fine firm flat formal free fresh \
full general gentle good great green happy hard heavy high important large late legal light \
long low main major medical modern narrow new nice normal old original painful partial past \
perfect physical plain possible present private proper public quick quiet rare ready real \
recent red regular rich right rough round safe serious sharp short silent simple slow small \
smooth soft special stable steady still strange strong sudden sweet tall thin tight typical \
upper useful usual valid various warm weak white wide wild wooden wrong young";
